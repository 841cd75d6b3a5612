package dev.aliquot.agent.device;

import dev.aliquot.health.device.Condition;
import dev.aliquot.health.device.Verdict;
import dev.aliquot.ledger.DeviceBook;
import dev.aliquot.ledger.Headroom;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One device of the node. Thread-safe. */
public final class Device {
  /** As much as a tenant's mover moves in one rest of the device (moves.c). */
  private static final long DEMAND_AHEAD_BYTES = 1L << 30;

  /**
   * Smaller first readings of a process are no context: they would teach that contexts are free.
   */
  private static final long LEAST_CONTEXT_BYTES = 16L << 20;

  /** No context is as large: a first reading that is, is somebody who does not report. */
  private static final long MOST_CONTEXT_BYTES = 2L << 30;

  /** Of a device that is not there. */
  private static final int NO_INDEX = -1;

  private final DeviceFacts facts;
  private final long headroomBytes;
  private final DeviceBook book;
  private final DeviceReader reader;
  private final Signal room = new Signal();
  private final HealthReader healthReader;
  private final @Nullable CgroupLimiter limiter;
  private volatile DeviceReading reading = DeviceReading.NONE;
  private volatile Health health;
  private volatile Verdict verdict = Verdict.HEALTHY;
  private volatile Runnable verdictChanges = () -> {};
  private long contextEstimateBytes;

  /**
   * Whether the device can be used.
   *
   * @param state healthy, unhealthy or unknown
   * @param reason why, or empty
   */
  public record Health(String state, String reason) {
    public static final Health HEALTHY = new Health("healthy", "");

    private static final Health NO_MEMORY =
        unhealthy(
            "the driver did not say how much memory it has when the agent started:"
                + " shares of it cannot be guaranteed");

    public static Health unhealthy(String reason) {
      return new Health("unhealthy", reason);
    }

    public static Health unknown(String reason) {
      return new Health("unknown", reason);
    }
  }

  /** One whose driver has no limits of its own, and says nothing of its health. */
  public Device(DeviceFacts facts, Headroom headroom, DeviceReader reader) {
    this(facts, headroom, reader, () -> Condition.NOTHING_SAID, null);
  }

  /**
   * @param limiter null: the driver has no limits of its own
   */
  public Device(
      DeviceFacts facts,
      Headroom headroom,
      DeviceReader reader,
      HealthReader healthReader,
      @Nullable CgroupLimiter limiter) {
    this.healthReader = healthReader;
    this.limiter = limiter;
    this.facts = facts;
    this.headroomBytes = headroom.bytes(facts.totalBytes());
    this.book =
        new DeviceBook(
            facts.uuid(),
            headroom.capacityBytes(facts.totalBytes(), facts.reservedBytes()),
            DEMAND_AHEAD_BYTES);
    this.reader = reader;
    this.health = facts.totalBytes() > 0 ? Health.unknown("not read yet") : Health.NO_MEMORY;
  }

  /**
   * One that a tenant has a share of and that was not there when the agent started: nothing of it
   * can be had.
   */
  public static Device lost(String uuid) {
    return new Device(
        new DeviceFacts(NO_INDEX, uuid, "unknown", "", 0, 0),
        new Headroom(0, 0),
        () -> {
          throw new IllegalStateException("device " + uuid + " is lost");
        });
  }

  /** Whether it was not there when the agent started. */
  public boolean isLost() {
    return facts.index() == NO_INDEX;
  }

  public DeviceFacts facts() {
    return facts;
  }

  public String uuid() {
    return facts.uuid();
  }

  public long headroomBytes() {
    return headroomBytes;
  }

  /** Who may hold how much of it. */
  public DeviceBook book() {
    return book;
  }

  /** Fires when memory may have become free. */
  public Signal room() {
    return room;
  }

  public DeviceReader reader() {
    return reader;
  }

  /** The driver's own memory limits; empty before R615. */
  public Optional<CgroupLimiter> limiter() {
    return Optional.ofNullable(limiter);
  }

  /** The last one. */
  public DeviceReading reading() {
    return reading;
  }

  public void reading(DeviceReading newReading) {
    reading = newReading;
    health(Health.HEALTHY);
  }

  /** By its readings, and by what faults have made of it. */
  public Health health() {
    Health read = health;
    Verdict decided = verdict;
    boolean out = !decided.state().takesTenants();
    boolean why = decided.fault() != 0 || read.equals(Health.HEALTHY);
    return out && why ? Health.unhealthy(decided.state().label() + ": " + decided.reason()) : read;
  }

  /** What faults have made of it. */
  public Verdict verdict() {
    return verdict;
  }

  public void verdict(Verdict newVerdict) {
    boolean same = newVerdict.equals(verdict);
    verdict = newVerdict;
    if (!same) {
      verdictChanges.run();
    }
  }

  /** Calls back after each change of the verdict, on the thread that makes it: must not block. */
  public void whenVerdictChanges(Runnable callback) {
    verdictChanges = callback;
  }

  public HealthReader healthReader() {
    return healthReader;
  }

  /** A device of which no memory was known at the start never becomes healthy. */
  public void health(Health newHealth) {
    boolean shared = facts.totalBytes() > 0 || !newHealth.equals(Health.HEALTHY);
    health = shared ? newHealth : Health.NO_MEMORY;
  }

  /**
   * A process that had nothing on the device had this much beyond its report when it was first
   * seen.
   */
  public synchronized void learnContext(long bytes) {
    if (bytes >= LEAST_CONTEXT_BYTES
        && bytes <= MOST_CONTEXT_BYTES
        && (contextEstimateBytes == 0 || bytes < contextEstimateBytes)) {
      contextEstimateBytes = bytes;
    }
  }

  /** What a new context is expected to take: the least seen so far, 0 before the first. */
  public synchronized long contextEstimateBytes() {
    return contextEstimateBytes;
  }
}
