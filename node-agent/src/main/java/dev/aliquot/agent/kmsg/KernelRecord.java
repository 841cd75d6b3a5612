package dev.aliquot.agent.kmsg;

/**
 * One record of the kernel log. Only the kernel itself writes with facility 0, and what a program
 * writes to /dev/kmsg never has it; a line of text without a head counts as the kernel's.
 *
 * @param sequence counts the records since boot; -1 if not known
 * @param sinceBootMicros by the kernel log's own clock; -1 if not known
 * @param level 0 (emergency) to 7 (debug)
 * @param text the message with the kernel's escapes taken back, so any characters, line ends among
 *     them; cut at 8 KiB. Fragments of a line that the kernel could not put together are records of
 *     their own.
 */
public record KernelRecord(
    long sequence, long sinceBootMicros, int facility, int level, String text) {
  public static final long UNKNOWN = -1;

  public boolean isFromKernel() {
    return facility == 0;
  }
}
