package dev.aliquot.agent.tenant;

import dev.aliquot.agent.process.ProcessId;
import dev.aliquot.ledger.OverheadRule;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A process with a slot. Guarded by its tenant's lock. */
final class Member {
  final int slot;
  final ProcessId id;
  final int tenantPid;
  final long generation;
  final OverheadRule[] overheads;
  final long[] truthBytes;

  /** By device: whether a reading that is just being accounted for shows its contexts again. */
  final boolean[] shown;

  String command;

  /** Has said that it is out, and not come back since. */
  boolean parked;

  Depth depth = Depth.HOT;

  /** Parked since then, as far as is known; null: it is not. CLOCK_MONOTONIC, as all times here. */
  @Nullable Long restsSince;

  /** When it was told to let go of what it has imported, and the word that told it. */
  long goingSince;

  int deepWake;

  /** After its contexts have failed to leave. */
  final Pause noDive = new Pause();

  /** Has been {@link Depth#DEEP}: what a reading shows of it then is no new context. */
  boolean hasBeenDeep;

  /** Its contexts may be on its devices though it does not go on: what is kept for them stays. */
  boolean locked;

  /** When the driver was last asked in vain to let it go on; null: it has not given it up. */
  @Nullable Long lostAt;

  /** Has been told before that its contexts are there again: what its page says may be older. */
  boolean hasSurfaced;

  /** How many want it back now. */
  int resuming;

  /** What the driver does with its contexts; done when {@link #depth} says what came of it. */
  @Nullable CompletableFuture<Void> underWay;

  @Nullable AutoCloseable watch;

  Member(int slot, ProcessId id, int tenantPid, long generation, String command, int devices) {
    this.slot = slot;
    this.id = id;
    this.tenantPid = tenantPid;
    this.generation = generation;
    this.command = command;
    this.overheads =
        IntStream.range(0, devices).mapToObj(i -> new OverheadRule()).toArray(OverheadRule[]::new);
    this.truthBytes = new long[devices];
    this.shown = new boolean[devices];
  }
}
