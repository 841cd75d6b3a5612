package dev.aliquot.agent.health;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What keeps faults from being seen or acted on, as long as it does. Thread-safe. */
final class Degradations {
  private static final Logger LOG = LoggerFactory.getLogger(Degradations.class);

  private final Map<What, String> reasons = new EnumMap<>(What.class);

  /** Which part. */
  enum What {
    KERNEL_LOG,
    NVML_EVENTS,
    DEVICE_COUNT,
    PID_NAMESPACE,
    HEALTH_FILE,
    /** Faults that were read would take out too many devices at once. */
    DEVICE_BREAKER
  }

  synchronized void begin(What what, String reason) {
    if (!reason.equals(reasons.put(what, reason))) {
      LOG.warn("degraded: {}", reason);
    }
  }

  synchronized void end(What what) {
    if (reasons.remove(what) != null) {
      LOG.info("{} is well again", what.name().toLowerCase(java.util.Locale.ROOT));
    }
  }

  /** A sentence for each. */
  synchronized List<String> all() {
    return List.copyOf(reasons.values());
  }
}
