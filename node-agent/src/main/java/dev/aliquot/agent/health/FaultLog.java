package dev.aliquot.agent.health;

import dev.aliquot.health.catalogue.FaultClass;
import dev.aliquot.health.fault.Fault;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes faults to the agent's log: every one of a device, and of programs' as many as a person can
 * read. Not thread-safe.
 */
final class FaultLog {
  private static final Logger LOG = LoggerFactory.getLogger(FaultLog.class);
  private static final Duration PERIOD = Duration.ofMinutes(1);
  private static final int MOST = 20;

  private long periodBegan;
  private int told;
  private int kept;

  /**
   * @param past whether it is from before anybody watched
   */
  void tell(Fault fault, boolean past, long nowNanos) {
    if (nowNanos - periodBegan > PERIOD.toNanos()) {
      if (kept > 0) {
        LOG.warn("{} more faults of programs are not told here: see /api/v1/faults", kept);
      }
      periodBegan = nowNanos;
      told = 0;
      kept = 0;
    }
    boolean programs =
        fault.faultClass() == FaultClass.APP || fault.faultClass() == FaultClass.WATCH;
    if (programs && ++told > MOST) {
      kept++;
      return;
    }
    LOG.warn(
        "{}fault {} of device {}: {} ({}) {}{}{}",
        fault.drill() ? "a drill: " : past ? "in the past: " : "",
        fault.id(),
        fault.device().isEmpty() ? "unknown" : fault.device(),
        fault.cause().label(),
        fault.faultClass().label(),
        fault.text(),
        fault.pid() == 0 ? "" : " Process " + fault.pid() + " " + fault.process(),
        fault.blame().isSomebody() ? " of tenant " + fault.blame().name() : "");
  }
}
