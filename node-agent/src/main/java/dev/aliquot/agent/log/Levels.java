package dev.aliquot.agent.log;

import dev.aliquot.agent.config.LogLevel;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.logging.Level;
import org.jspecify.annotations.Nullable;

/** Between the words of Aliquot's configuration and java.util.logging's. */
final class Levels {
  private Levels() {}

  static Level jul(LogLevel level) {
    return switch (level) {
      case ERROR -> Level.SEVERE;
      case WARN -> Level.WARNING;
      case INFO -> Level.INFO;
      case DEBUG -> Level.FINE;
      case TRACE -> Level.FINEST;
    };
  }

  static String word(Level level) {
    int value = level.intValue();
    if (value >= Level.SEVERE.intValue()) {
      return "error";
    }
    if (value >= Level.WARNING.intValue()) {
      return "warn";
    }
    if (value >= Level.INFO.intValue()) {
      return "info";
    }
    return value >= Level.FINE.intValue() ? "debug" : "trace";
  }

  static String text(@Nullable String text) {
    return text == null ? "" : text;
  }

  /**
   * A text in which nothing can pass for a line of its own or move a terminal's cursor: control
   * characters as a backslash, u and their number. Lines and tabs of a stack trace stay.
   */
  static String printable(String text, boolean linesStay) {
    StringBuilder printable = new StringBuilder(text.length());
    text.codePoints()
        .forEach(
            c -> {
              boolean hidden =
                  Character.isISOControl(c) || Character.getType(c) == Character.FORMAT;
              if (hidden && !(linesStay && (c == '\n' || c == '\t'))) {
                printable.append("\\u%04x".formatted(c));
              } else {
                printable.appendCodePoint(c);
              }
            });
    return printable.toString();
  }

  static String stackTrace(Throwable thrown) {
    StringWriter trace = new StringWriter();
    thrown.printStackTrace(new PrintWriter(trace));
    return trace.toString();
  }
}
