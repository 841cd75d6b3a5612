package dev.aliquot.agent.tenant;

import dev.aliquot.agent.page.ControlPage;
import dev.aliquot.agent.page.UsagePage;
import dev.aliquot.agent.state.StateDir;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.linux.Ownership;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * A tenant's directory. Files are made once and used in place for as long as the tenant lives: its
 * processes have them mapped.
 */
record TenantFiles(Path directory) {

  static TenantFiles of(StateDir state, String id) {
    return new TenantFiles(state.tenant(id));
  }

  Path control() {
    return directory.resolve("control");
  }

  Path usage() {
    return directory.resolve("usage");
  }

  Path socket() {
    return directory.resolve("agent.sock");
  }

  /** Both pages, open. */
  record Pages(ControlPage control, UsagePage usage) implements AutoCloseable {
    @Override
    public void close() {
      control.close();
      usage.close();
    }
  }

  /** Makes directory and pages, with the access that the tenant needs and no more. */
  Pages create(StateDir state, TenantRecord tenant) throws IOException {
    Files.createDirectory(directory);
    permit(directory, state.root() ? "rwxr-xr-x" : "rwx------");
    UsagePage usage = UsagePage.create(usage());
    // In a container processes may run as any user; nobody else can reach the directory there.
    permit(usage(), tenant.outlivesProcesses() ? "rw-rw-rw-" : "rw-------");
    if (state.root()) {
      Ownership.set(usage(), tenant.uid(), tenant.gid());
    }
    ControlPage control = ControlPage.create(control());
    permit(control(), "r--r--r--");
    return new Pages(control, usage);
  }

  /** Opens what an earlier agent made. */
  Pages open() throws IOException {
    ControlPage control = ControlPage.open(control());
    permit(control(), "r--r--r--");
    try {
      return new Pages(control, UsagePage.open(usage()));
    } catch (IOException e) {
      control.close();
      throw e;
    }
  }

  /** Lets every process that can reach the socket connect: who it is, is checked then. */
  void openSocket() throws IOException {
    permit(socket(), "rw-rw-rw-");
  }

  void delete() throws IOException {
    for (Path file : new Path[] {socket(), control(), usage(), directory}) {
      Files.deleteIfExists(file);
    }
  }

  private static void permit(Path file, String permissions) throws IOException {
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
  }
}
