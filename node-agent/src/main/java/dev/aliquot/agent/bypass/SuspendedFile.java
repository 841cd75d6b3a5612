package dev.aliquot.agent.bypass;

import dev.aliquot.agent.process.ProcessId;
import dev.aliquot.agent.state.DurableFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Which processes are suspended, so that none stays so because the agent was killed: written before
 * a process is locked. Not thread-safe.
 */
final class SuspendedFile {
  private final Path file;
  private final Set<ProcessId> ids = new LinkedHashSet<>();

  /** Reads what is there; a spoilt line is nobody's. */
  SuspendedFile(Path file) throws IOException {
    this.file = file;
    if (Files.exists(file)) {
      for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
        if (line.matches("[1-9][0-9]{0,8} [0-9]{1,18}")) {
          int space = line.indexOf(' ');
          ids.add(
              new ProcessId(
                  Integer.parseInt(line.substring(0, space)),
                  Long.parseLong(line.substring(space + 1))));
        }
      }
    }
  }

  Set<ProcessId> all() {
    return Set.copyOf(ids);
  }

  boolean contains(ProcessId id) {
    return ids.contains(id);
  }

  void add(ProcessId id) throws IOException {
    if (ids.add(id)) {
      write();
    }
  }

  void remove(ProcessId id) throws IOException {
    if (ids.remove(id)) {
      write();
    }
  }

  private void write() throws IOException {
    StringBuilder text = new StringBuilder();
    for (ProcessId id : ids) {
      text.append(id.pid()).append(' ').append(id.startTime()).append('\n');
    }
    DurableFile.write(file, text.toString().getBytes(StandardCharsets.UTF_8), false);
  }
}
