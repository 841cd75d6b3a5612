package dev.aliquot.health.catalogue;

import java.util.stream.IntStream;

/** The codes of a row: {@code 13}, or {@code 39-41, 85}. */
final class CodeRanges {
  static final int MOST_CODE = 9999;

  private CodeRanges() {}

  /**
   * @throws IllegalArgumentException when it is no such list
   */
  static IntStream of(String text) {
    IntStream all = IntStream.empty();
    for (String part : text.split(",", -1)) {
      String[] ends = part.strip().split("-", 2);
      int first = code(ends[0], text);
      int last = ends.length == 2 ? code(ends[1], text) : first;
      if (last < first) {
        throw new IllegalArgumentException(
            "xid '" + text + "' has a range that ends before it begins");
      }
      all = IntStream.concat(all, IntStream.rangeClosed(first, last));
    }
    return all;
  }

  private static int code(String digits, String text) {
    if (!digits.matches("[0-9]{1,4}") || Integer.parseInt(digits) > MOST_CODE) {
      throw new IllegalArgumentException(
          "xid '"
              + text
              + "' is no number from 0 to "
              + MOST_CODE
              + " and no list of such, as 39-41, 85");
    }
    return Integer.parseInt(digits);
  }
}
