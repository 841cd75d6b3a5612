package dev.aliquot.agent.limits;

import dev.aliquot.agent.state.DurableFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Which limits may be in force in the driver, so that none outlives its tenant because an agent was
 * killed: written before a limit is set and after it is cleared. Not thread-safe.
 */
final class LimitFile {
  private final Path file;
  private final List<Entry> entries = new ArrayList<>();

  /** One directory on one device. */
  record Entry(String tenant, String device, Path cgroup) {}

  /** Reads what is there; a spoilt line is nobody's. */
  LimitFile(Path file) throws IOException {
    this.file = file;
    if (Files.exists(file)) {
      for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
        String[] words = line.split("\t", 3);
        if (words.length == 3) {
          entries.add(new Entry(words[0], words[1], Path.of(words[2])));
        }
      }
    }
  }

  List<Entry> all() {
    return List.copyOf(entries);
  }

  List<Entry> of(String tenant) {
    return entries.stream().filter(entry -> entry.tenant().equals(tenant)).toList();
  }

  void add(Entry entry) throws IOException {
    if (!entries.contains(entry)) {
      entries.add(entry);
      write();
    }
  }

  void remove(Entry entry) throws IOException {
    if (entries.remove(entry)) {
      write();
    }
  }

  private void write() throws IOException {
    StringBuilder text = new StringBuilder();
    for (Entry entry : entries) {
      text.append(entry.tenant())
          .append('\t')
          .append(entry.device())
          .append('\t')
          .append(entry.cgroup())
          .append('\n');
    }
    DurableFile.write(file, text.toString().getBytes(StandardCharsets.UTF_8), false);
  }
}
