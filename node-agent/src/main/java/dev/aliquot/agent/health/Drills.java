package dev.aliquot.agent.health;

import dev.aliquot.nvml.PciAddress;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * Lines that the agent writes to the kernel log for practice. Each has a mark that nobody else
 * knows, so that no other program can make a fault by writing to the log. Thread-safe.
 */
final class Drills {
  private static final String BEGIN = "aliquot drill ";
  private static final int MOST = 64;

  private final Set<String> marks =
      Collections.synchronizedSet(
          Collections.newSetFromMap(
              new LinkedHashMap<>() {
                private static final long serialVersionUID = 1L;

                @Override
                protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
                  return size() > MOST;
                }
              }));

  /** A line to write, with a new mark. */
  String line(PciAddress address, int code, int pid, String message) {
    String mark = UUID.randomUUID().toString();
    marks.add(mark);
    String where = "%04x:%02x:%02x".formatted(address.domain(), address.bus(), address.device());
    return BEGIN
        + mark
        + ": NVRM: Xid (PCI:"
        + where
        + "): "
        + code
        + (pid > 0 ? ", pid=" + pid + ", name=drill" : "")
        + (message.isEmpty() ? "" : ", " + message);
  }

  /** What a line with a mark of ours says; empty for any other. */
  String textOf(String line) {
    int begin = line.indexOf(BEGIN);
    int end = begin < 0 ? -1 : line.indexOf(": ", begin);
    boolean ours = end > 0 && marks.contains(line.substring(begin + BEGIN.length(), end));
    return ours ? line.substring(end + 2) : "";
  }
}
