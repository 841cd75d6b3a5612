package dev.aliquot.agent.log;

import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.logging.Formatter;
import java.util.logging.LogRecord;
import org.slf4j.MDC;

/** {@code 12:03:04.567 WARN Sampler: message key=value}, with the stack trace below. */
final class TextFormatter extends Formatter {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("HH:mm:ss.SSS", Locale.ROOT);

  @Override
  public String format(LogRecord entry) {
    StringBuilder line = new StringBuilder(160);
    line.append(TIME.format(entry.getInstant().atZone(ZoneId.systemDefault())))
        .append(' ')
        .append(
            String.format(
                Locale.ROOT, "%-5s", Levels.word(entry.getLevel()).toUpperCase(Locale.ROOT)))
        .append(' ');
    String logger = Levels.text(entry.getLoggerName());
    line.append(logger.substring(logger.lastIndexOf('.') + 1))
        .append(": ")
        .append(Levels.printable(Levels.text(formatMessage(entry)), false));
    Map<String, String> fields = MDC.getCopyOfContextMap();
    if (fields != null) {
      new TreeMap<>(fields)
          .forEach(
              (key, value) ->
                  line.append(' ').append(key).append('=').append(Levels.printable(value, false)));
    }
    line.append('\n');
    if (entry.getThrown() != null) {
      line.append(Levels.printable(Levels.stackTrace(entry.getThrown()), true));
    }
    return line.toString();
  }
}
