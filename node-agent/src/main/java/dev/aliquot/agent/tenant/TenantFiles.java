package dev.aliquot.agent.tenant;

import dev.aliquot.agent.page.ControlPage;
import dev.aliquot.agent.page.UsagePage;
import dev.aliquot.agent.state.StateDir;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.linux.Ownership;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;

/**
 * A tenant's directory. Files are made once and used in place for as long as the tenant lives: its
 * processes have them mapped.
 */
record TenantFiles(Path directory) {

  static TenantFiles of(StateDir state, TenantRecord tenant) {
    return new TenantFiles(state.folder(tenant));
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

  /**
   * Lets the tenant's processes connect: who it is, is checked then. Another user of the node must
   * not be able to use up the tenant's connections; in a container processes may run as any user.
   */
  void openSocket(StateDir state, TenantRecord tenant) throws IOException {
    if (tenant.outlivesProcesses()) {
      permit(socket(), "rw-rw-rw-");
      return;
    }
    permit(socket(), "rw-------");
    if (state.root()) {
      Ownership.set(socket(), tenant.uid(), tenant.gid());
    }
  }

  /** Removes the directory with everything in it, also what is not ours; links are not followed. */
  void delete() throws IOException {
    if (!Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try (var files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (UncheckedIOException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  private static void permit(Path file, String permissions) throws IOException {
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
  }
}
