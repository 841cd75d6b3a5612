package dev.aliquot.agent.kmsg;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Reads {@code priority,sequence,microseconds,flags[,more];message}, the format of /dev/kmsg, and
 * plain lines of text. Never throws, whatever the bytes.
 */
final class RecordParser {
  /** What is kept of a message. */
  static final int MOST_TEXT_BYTES = 8192;

  private static final int HEAD_NUMBERS = 3;
  private static final int DEFAULT_LEVEL = 6;

  private RecordParser() {}

  /**
   * The record whose first line this is, without its line end; empty if it has no head. A number
   * too large for a long is the largest.
   */
  static Optional<KernelRecord> record(byte[] bytes, int length) {
    long[] numbers = new long[HEAD_NUMBERS];
    int at = 0;
    for (int i = 0; i < HEAD_NUMBERS; i++) {
      int start = at;
      for (; at < length && isDigit(bytes[at]); at++) {
        numbers[i] = appended(numbers[i], bytes[at] - '0');
      }
      if (at == start || at == length || bytes[at] != ',') {
        return Optional.empty();
      }
      at++;
    }
    // The flags, and what newer kernels put behind them, such as caller=T1.
    while (at < length && bytes[at] != ';') {
      at++;
    }
    if (at == length) {
      return Optional.empty();
    }
    long facility = Math.min(numbers[0] >> 3, Integer.MAX_VALUE);
    int level = (int) (numbers[0] & 7);
    return Optional.of(
        new KernelRecord(
            numbers[1], numbers[2], (int) facility, level, unescaped(bytes, at + 1, length)));
  }

  /** A line of text as a record of the kernel's. */
  static KernelRecord plain(byte[] bytes, int length) {
    int end = length > 0 && bytes[length - 1] == '\r' ? length - 1 : length;
    return new KernelRecord(
        KernelRecord.UNKNOWN,
        KernelRecord.UNKNOWN,
        0,
        DEFAULT_LEVEL,
        new String(bytes, 0, Math.min(end, MOST_TEXT_BYTES), StandardCharsets.UTF_8));
  }

  /** Control characters, the backslash and all that is not ASCII come as {@code \xNN}. */
  private static String unescaped(byte[] bytes, int from, int to) {
    byte[] text = new byte[Math.min(to - from, MOST_TEXT_BYTES)];
    int length = 0;
    for (int at = from; at < to && length < text.length; length++) {
      int escaped = at + 4 <= to && bytes[at] == '\\' && bytes[at + 1] == 'x' ? hex(bytes, at) : -1;
      text[length] = escaped < 0 ? bytes[at] : (byte) escaped;
      at += escaped < 0 ? 1 : 4;
    }
    return new String(text, 0, length, StandardCharsets.UTF_8);
  }

  /** The byte that the escape says; -1 if that is none. */
  private static int hex(byte[] bytes, int at) {
    int high = Character.digit(bytes[at + 2], 16);
    int low = Character.digit(bytes[at + 3], 16);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
  }

  private static boolean isDigit(byte b) {
    return b >= '0' && b <= '9';
  }

  private static long appended(long number, int digit) {
    return number > (Long.MAX_VALUE - digit) / 10 ? Long.MAX_VALUE : number * 10 + digit;
  }
}
