package dev.aliquot.agent.tenant;

import dev.aliquot.agent.view.MoveView;
import dev.aliquot.agent.view.SwapView;
import dev.aliquot.agent.wire.MoveOutcome;
import dev.aliquot.agent.wire.Request;
import dev.aliquot.residency.SwapMode;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What a tenant's data did on its way between one device and host memory, as its processes say.
 * Thread-safe by its own lock, under which nothing else is called.
 */
final class Traffic {
  private static final double NANOS = 1e9;

  /** A process says what it likes: what took longer, or is more, is not shown. */
  private static final long MOST_NANOS = Duration.ofHours(1).toNanos();

  private static final long MOST_BYTES = 1L << 50;

  /** What keeps memory on the device may have ended since, and nobody has tried again. */
  private static final Duration REMEMBERED = Duration.ofMinutes(1);

  private @Nullable MoveView lastOut;
  private @Nullable MoveView lastIn;
  private MoveOutcome outcome = MoveOutcome.DONE;
  private long outcomeNanos;
  private String hotReason = "";
  private long hotNanos;
  private long swapOuts;
  private Duration waited = Duration.ZERO;

  /**
   * @param nowNanos CLOCK_MONOTONIC
   */
  synchronized void moved(Request.Moved moved, long nowNanos) {
    MoveView move = view(moved);
    if (moved.promoted()) {
      lastIn = move == null ? lastIn : move;
    } else {
      lastOut = move == null ? lastOut : move;
      outcome = moved.outcome();
      outcomeNanos = nowNanos;
    }
  }

  synchronized void swappedOut() {
    swapOuts++;
    outcome = MoveOutcome.DONE;
  }

  /**
   * The contexts of a process that is out stay on the device.
   *
   * @param nowNanos CLOCK_MONOTONIC
   */
  synchronized void staysHot(String reason, long nowNanos) {
    hotReason = reason;
    hotNanos = nowNanos;
  }

  /** A process has waited so long to run again. */
  synchronized void waited(Duration time) {
    waited = waited.plus(time);
  }

  /**
   * @param leaves whether a process of it has been told to leave the device
   * @param nowNanos CLOCK_MONOTONIC
   */
  synchronized SwapView view(SwapMode mode, Pinned pinned, boolean leaves, long nowNanos) {
    return new SwapView(
        mode.name().toLowerCase(Locale.ROOT),
        pinned.view(),
        stays(pinned.text(), leaves, nowNanos),
        swapOuts,
        waited.toNanos() / NANOS,
        lastOut,
        lastIn);
  }

  /**
   * What may be over and tried again goes before what is pinned, for that may be all that is. Why
   * contexts stay is another matter than why data does.
   */
  private String stays(String pinned, boolean leaves, long nowNanos) {
    MoveOutcome last = lately(outcomeNanos, nowNanos) ? outcome : MoveOutcome.DONE;
    if (last != MoveOutcome.DONE && last != MoveOutcome.NOTHING) {
      return reason(last);
    }
    String hot = lately(hotNanos, nowNanos) ? hotReason : "";
    if (!pinned.isEmpty() && (leaves || last == MoveOutcome.NOTHING)) {
      return hot.isEmpty() ? pinned : pinned + "; " + hot;
    }
    return last == MoveOutcome.NOTHING ? reason(last) : hot;
  }

  private static boolean lately(long thenNanos, long nowNanos) {
    return nowNanos - thenNanos <= REMEMBERED.toNanos();
  }

  private static @Nullable MoveView view(Request.Moved moved) {
    long bytes = moved.movedBytes();
    long closedNanos = moved.closedNanos();
    if (bytes <= 0 || bytes > MOST_BYTES || closedNanos < 0 || closedNanos > MOST_NANOS) {
      return null;
    }
    boolean known = moved.copyNanos() > 0 && moved.copyNanos() <= MOST_NANOS;
    return new MoveView(
        bytes, closedNanos / NANOS, known ? bytes / (moved.copyNanos() / NANOS) : 0);
  }

  static String reason(MoveOutcome outcome) {
    return switch (outcome) {
      case DONE -> "";
      case NOTHING -> "nothing of it moves any more";
      case HOST_POOL -> "the host pool has no chunk for it";
      case BUSY -> "what runs on the device does not end";
      case CAPTURING -> "a stream is being captured";
      case FAILED -> "the driver refused a step";
      case DESCRIPTORS -> "it cannot keep a descriptor of each host chunk";
    };
  }
}
