package dev.aliquot.cli.screen;

/** Colours of a terminal, or none. Immutable. */
public record Ansi(boolean enabled) {
  private static final String CODES = "\u001b\\[[0-9;]*m";

  /**
   * The text with colour codes and without anything else that would move a terminal's cursor: what
   * others have named is in it.
   */
  static String harmless(String text) {
    return text.replaceAll(
        "\u001b(?!\\[[0-9;]{0,8}m)|[\\p{Cntrl}\\x{80}-\\x{9f}\\p{Cf}&&[^\u001b]]", "?");
  }

  /** Columns that a text takes; colour codes take none. */
  static int width(String text) {
    String plain = text.indexOf('\u001b') < 0 ? text : text.replaceAll(CODES, "");
    return plain.codePointCount(0, plain.length());
  }

  /** Cuts a text to a number of columns, keeping its colour codes. */
  static String cut(String text, int columns) {
    if (width(text) <= columns) {
      return text;
    }
    StringBuilder kept = new StringBuilder();
    int used = 0;
    for (int at = 0; at < text.length(); ) {
      if (text.charAt(at) == '\u001b') {
        int end = text.indexOf('m', at);
        int next = end < 0 ? text.length() : end + 1;
        kept.append(text, at, next);
        at = next;
      } else {
        int point = text.codePointAt(at);
        if (used < columns) {
          kept.appendCodePoint(point);
          used++;
        }
        at += Character.charCount(point);
      }
    }
    return kept.toString();
  }

  public String bold(String text) {
    return paint("1", text);
  }

  public String dim(String text) {
    return paint("2", text);
  }

  public String green(String text) {
    return paint("32", text);
  }

  public String yellow(String text) {
    return paint("33", text);
  }

  public String red(String text) {
    return paint("31", text);
  }

  private String paint(String code, String text) {
    return enabled && !text.isEmpty() ? "\u001b[" + code + "m" + text + "\u001b[0m" : text;
  }
}
