package dev.aliquot.agent.health;

import dev.aliquot.nvml.PciAddress;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * Lines that the agent writes to the kernel log for practice. Each has a mark that nobody else
 * knows before it is in the log, and that counts once: no other program can make a fault by writing
 * to the log, nor by repeating what it reads there. Thread-safe.
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

  /** What the driver would say. */
  static String words(PciAddress address, int code, int pid, String message) {
    String where = "%04x:%02x:%02x".formatted(address.domain(), address.bus(), address.device());
    return "NVRM: Xid (PCI:"
        + where
        + "): "
        + code
        + (pid > 0 ? ", pid=" + pid + ", name=drill" : "")
        + (message.isEmpty() ? "" : ", " + message);
  }

  /** A line to write, with a new mark. */
  String marked(String words) {
    String mark = UUID.randomUUID().toString();
    marks.add(mark);
    return BEGIN + mark + ": " + words;
  }

  /**
   * The words of a line with a mark of ours that is read for the first time; empty for any other.
   */
  String wordsOf(String line) {
    int begin = line.indexOf(BEGIN);
    int end = begin < 0 ? -1 : line.indexOf(": ", begin);
    boolean ours = end > 0 && marks.remove(line.substring(begin + BEGIN.length(), end));
    return ours ? line.substring(end + 2) : "";
  }
}
