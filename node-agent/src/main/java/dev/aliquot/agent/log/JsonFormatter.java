package dev.aliquot.agent.log;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.logging.Formatter;
import java.util.logging.LogRecord;
import org.slf4j.MDC;

/**
 * {@code {"ts":…,"level":…,"logger":…,"message":…,"thread":…,"fields":{…},"exception":…}}, one line
 * each.
 */
final class JsonFormatter extends Formatter {
  private static final JsonFactory JSON = new JsonFactory();

  @Override
  public String format(LogRecord entry) {
    StringWriter line = new StringWriter(256);
    try (JsonGenerator json = JSON.createGenerator(line)) {
      json.writeStartObject();
      json.writeStringField("ts", entry.getInstant().truncatedTo(ChronoUnit.MICROS).toString());
      json.writeStringField("level", Levels.word(entry.getLevel()));
      json.writeStringField("logger", Levels.text(entry.getLoggerName()));
      json.writeStringField("message", Levels.text(formatMessage(entry)));
      json.writeStringField("thread", Thread.currentThread().getName());
      Map<String, String> fields = MDC.getCopyOfContextMap();
      if (fields != null && !fields.isEmpty()) {
        json.writeObjectFieldStart("fields");
        for (Map.Entry<String, String> field : fields.entrySet()) {
          json.writeStringField(field.getKey(), field.getValue());
        }
        json.writeEndObject();
      }
      if (entry.getThrown() != null) {
        json.writeStringField("exception", Levels.stackTrace(entry.getThrown()));
      }
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return line.append('\n').toString();
  }
}
