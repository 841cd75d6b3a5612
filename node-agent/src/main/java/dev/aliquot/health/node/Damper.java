package dev.aliquot.health.node;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Keeps what the cluster sees from flapping. Not thread-safe.
 *
 * <ul>
 *   <li>what is seen changes at most once in a period;
 *   <li>a worse grade is seen as soon as that allows;
 *   <li>a better one only after it was better without a break for a period.
 * </ul>
 *
 * So a device that comes and goes is out as the cluster sees it, however often it does.
 */
public final class Damper {
  private final long periodNanos;
  private @Nullable NodeWish shown;
  private long changedNanos;
  private boolean better;
  private long betterSinceNanos;
  private long held;

  public Damper(Duration period) {
    this.periodNanos = period.toNanos();
  }

  /** What is to be seen of what is wanted now; the clock is one that never jumps. */
  public NodeWish settle(NodeWish wanted, long nowNanos) {
    NodeWish before = shown;
    if (before == null) {
      return show(wanted, nowNanos);
    }
    boolean isBetter = wanted.grade().compareTo(before.grade()) < 0;
    if (isBetter && !better) {
      betterSinceNanos = nowNanos;
    }
    better = isBetter;
    if (wanted.equals(before)) {
      return before;
    }
    boolean due = nowNanos - changedNanos >= periodNanos;
    boolean lasted = !isBetter || nowNanos - betterSinceNanos >= periodNanos;
    if (due && lasted) {
      return show(wanted, nowNanos);
    }
    held++;
    return before;
  }

  /** How often something was wanted that was not shown. */
  public long held() {
    return held;
  }

  private NodeWish show(NodeWish wanted, long nowNanos) {
    shown = wanted;
    changedNanos = nowNanos;
    better = false;
    return wanted;
  }
}
