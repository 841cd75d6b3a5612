package dev.aliquot.health.line;

import java.util.OptionalInt;

/** Reads a line from left to right, each character once. */
final class Scanner {
  private final String text;
  private int at;

  Scanner(String text, int at) {
    this.text = text;
    this.at = at;
  }

  boolean atEnd() {
    return at == text.length();
  }

  /** Whether the next characters are these; they are read then. */
  boolean skip(String expected) {
    boolean there = text.startsWith(expected, at);
    at += there ? expected.length() : 0;
    return there;
  }

  /** Up to the first of the characters, or the end; at most {@code most} characters. */
  String upTo(String ends, int most) {
    int begin = at;
    int last = Math.min(text.length(), begin + most);
    while (at < last && ends.indexOf(text.charAt(at)) < 0) {
      at++;
    }
    return text.substring(begin, at);
  }

  /** Up to this text, which is read, too; else up to the end. */
  String upToText(String end) {
    int found = text.indexOf(end, at);
    int begin = at;
    at = found < 0 ? text.length() : found + end.length();
    return text.substring(begin, found < 0 ? text.length() : found);
  }

  /**
   * A decimal number of at most nine digits; empty where there is none, and nothing is read then.
   */
  OptionalInt number() {
    int begin = at;
    while (at < text.length()
        && Character.digit(text.charAt(at), 10) >= 0
        && text.charAt(at) < 128) {
      at++;
    }
    if (at == begin || at - begin > 9) {
      at = begin;
      return OptionalInt.empty();
    }
    return OptionalInt.of(Integer.parseInt(text, begin, at, 10));
  }

  /** What is left, at most that much. */
  String rest(int most) {
    return text.substring(at, Math.min(text.length(), at + most));
  }
}
