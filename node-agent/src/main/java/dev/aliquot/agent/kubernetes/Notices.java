package dev.aliquot.agent.kubernetes;

import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notices that wait to be told. Those of one subject are one with a count, told once in {@link
 * #PACE} at most; where there are too many subjects, programs' faults go first. Not thread-safe.
 */
final class Notices {
  private static final Logger LOG = LoggerFactory.getLogger(Notices.class);
  static final Duration PACE = Duration.ofSeconds(10);
  static final int MOST = 256;
  private static final int MOST_TOLD = 1024;

  private final Map<Notice.Subject, Waiting> waiting = new LinkedHashMap<>();
  private final Map<Notice.Subject, Long> told =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Notice.Subject, Long> eldest) {
          return size() > MOST_TOLD;
        }
      };
  private long dropped;

  /**
   * @param notice the latest of its subject
   * @param count how many there were
   */
  record Waiting(Notice notice, long count, Instant first, Instant last) {
    Waiting and(Notice newer, long more, Instant when) {
      return new Waiting(newer, count + more, first, when);
    }
  }

  /** Takes one that happened so many times. */
  void add(Notice notice, long count, Instant when) {
    Waiting before = waiting.get(notice.subject());
    waiting.put(
        notice.subject(),
        before == null ? new Waiting(notice, count, when, when) : before.and(notice, count, when));
    if (waiting.size() > MOST) {
      drop();
    }
  }

  private void drop() {
    Notice.Subject victim =
        waiting.values().stream()
            .map(Waiting::notice)
            .filter(Notice::mild)
            .map(Notice::subject)
            .findFirst()
            .orElseGet(() -> waiting.keySet().iterator().next());
    waiting.remove(victim);
    if (dropped++ == 0) {
      LOG.warn(
          "more than {} Events wait for the API server: the oldest of programs' faults are dropped",
          MOST);
    }
  }

  /** Those whose turn it is; they wait on until they are {@link #done}. */
  List<Waiting> due(long nowNanos) {
    return waiting.values().stream()
        .filter(
            each -> {
              Long last = told.get(each.notice().subject());
              return last == null || nowNanos - last >= PACE.toNanos();
            })
        .toList();
  }

  /** One has been told, or never can be. */
  void done(Notice.Subject subject, long nowNanos) {
    waiting.remove(subject);
    told.remove(subject);
    told.put(subject, nowNanos);
  }

  int size() {
    return waiting.size();
  }

  /** How many were never told. */
  long dropped() {
    return dropped;
  }
}
