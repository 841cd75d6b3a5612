package dev.aliquot.agent.http;

import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * An answer.
 *
 * @param status HTTP status
 * @param contentType of the body
 * @param headers further ones, their names in lower case; one with {@code etag} is answered with
 *     304 to whoever has it
 * @param body the bytes to send; not copied
 */
@SuppressWarnings("ArrayRecordComponent")
public record Response(int status, String contentType, Map<String, String> headers, byte[] body)
    implements Answer {
  static final String EVENTS = "text/event-stream";
  private static final String JSON = "application/json";

  /** Copies the headers. */
  public Response {
    headers = Map.copyOf(headers);
  }

  /** One without further headers. */
  public Response(int status, String contentType, byte[] body) {
    this(status, contentType, Map.of(), body);
  }

  /** A value as JSON. */
  public static Response json(int status, Object value) {
    return new Response(status, JSON, Json.bytes(value));
  }

  /** Plain text. */
  public static Response text(int status, String contentType, String text) {
    return new Response(status, contentType, text.getBytes(StandardCharsets.UTF_8));
  }

  /** {@code {"error": what happened, "hint": what to do}}. */
  public static Response error(int status, String error, String hint) {
    return json(status, new java.util.TreeMap<>(Map.of("error", error, "hint", hint)));
  }
}
