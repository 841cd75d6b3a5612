package dev.aliquot.agent.bypass;

import dev.aliquot.agent.count.Counters;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The last events, each also a line of the log and a count. Thread-safe. */
final class Events {
  private static final Logger LOG = LoggerFactory.getLogger(Events.class);
  private static final int MOST = 256;

  private final InstantSource clock;
  private final Counters counters;
  private final Deque<Event> events = new ArrayDeque<>();

  Events(InstantSource clock, Counters counters) {
    this.clock = clock;
    this.counters = counters;
  }

  synchronized void add(String what, Finding finding, String detail) {
    String reason = finding.text() + "; " + detail;
    LOG.warn("{}: {}", what, reason);
    counters.bypassAction(what);
    events.addLast(new Event(clock.instant(), what, finding, reason));
    if (events.size() > MOST) {
      events.removeFirst();
    }
  }

  synchronized List<Event> all() {
    return List.copyOf(events);
  }
}
