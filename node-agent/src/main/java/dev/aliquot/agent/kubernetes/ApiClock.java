package dev.aliquot.agent.kubernetes;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The API server's time, as its answers say: a node's own clock may be wrong, or jump, and what is
 * written with it would lie in the others' future. Thread-safe.
 */
final class ApiClock {
  private static final Duration LONGEST = Duration.ofHours(1);

  private final InstantSource own;
  private final LongSupplier nanos;
  private @Nullable Heard heard;

  private record Heard(Instant time, long nanos) {}

  ApiClock(InstantSource own, LongSupplier nanos) {
    this.own = own;
    this.nanos = nanos;
  }

  /** Takes an answer's {@code Date}; what is none is ignored. */
  synchronized void hear(String date) {
    try {
      Instant time = ZonedDateTime.parse(date, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
      heard = new Heard(time, nanos.getAsLong());
    } catch (DateTimeParseException e) {
      // the own clock has to do
    }
  }

  /** In whole seconds; this machine's time where the server has said nothing for long. */
  synchronized Instant now() {
    Heard last = heard;
    if (last == null) {
      return own.instant().truncatedTo(ChronoUnit.SECONDS);
    }
    Duration since = Duration.ofNanos(nanos.getAsLong() - last.nanos());
    return (since.compareTo(LONGEST) > 0 ? own.instant() : last.time().plus(since))
        .truncatedTo(ChronoUnit.SECONDS);
  }
}
