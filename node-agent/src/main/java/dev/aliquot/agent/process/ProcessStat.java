package dev.aliquot.agent.process;

import java.nio.charset.StandardCharsets;

/**
 * A process as /proc/&lt;pid&gt;/stat has it.
 *
 * @param id pid and start time
 * @param parentPid 0 where the parent is outside of the agent's pid namespace
 * @param command the kernel's name of the program, at most 15 bytes; what the process may have put
 *     there that no terminal should see is replaced by {@code ?}
 * @param zombie it has ended and waits for its parent; a process whose first thread alone has ended
 *     still runs
 */
public record ProcessStat(ProcessId id, int parentPid, String command, boolean zombie) {

  /**
   * Reads the line. The command may hold anything, parentheses and spaces too.
   *
   * @throws IllegalArgumentException when it is no such line
   */
  static ProcessStat parse(int pid, String line) {
    int open = line.indexOf('(');
    int close = line.lastIndexOf(')');
    String[] rest = close < 0 ? new String[0] : line.substring(close + 1).strip().split(" ", 22);
    if (open < 0 || close < open || rest.length < 21) {
      throw new IllegalArgumentException("not a line of /proc/<pid>/stat: " + line);
    }
    char state = rest[0].charAt(0);
    boolean lastThread = Integer.parseInt(rest[17]) <= 1;
    return new ProcessStat(
        new ProcessId(pid, Long.parseLong(rest[19])),
        Integer.parseInt(rest[1]),
        printable(line.substring(open + 1, close)),
        (state == 'Z' || state == 'X') && lastThread);
  }

  private static String printable(String bytes) {
    return new String(bytes.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8)
        .replaceAll("[\\p{Cntrl}\\p{Cf}\\x{80}-\\x{9f}\\x{2028}\\x{2029}\\x{fffd}]", "?");
  }
}
