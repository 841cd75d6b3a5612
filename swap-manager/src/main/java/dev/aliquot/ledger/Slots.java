package dev.aliquot.ledger;

import java.util.Collection;
import java.util.TreeMap;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** The processes of one tenant on one device, and their sums. Guarded by the device's lock. */
final class Slots {
  private final TreeMap<Integer, Slot> byIndex = new TreeMap<>();

  /** A new one. */
  Slot add(int index, SlotPort port) {
    Slot slot = new Slot(index, port);
    if (byIndex.putIfAbsent(index, slot) != null) {
      throw new IllegalArgumentException("slot " + index + " is taken");
    }
    return slot;
  }

  /** Null: it was free. */
  @Nullable Slot remove(int index) {
    return byIndex.remove(index);
  }

  /** Null: it is free. */
  @Nullable Slot find(int index) {
    return byIndex.get(index);
  }

  Slot get(int index) {
    Slot slot = byIndex.get(index);
    if (slot == null) {
      throw new IllegalArgumentException("slot " + index + " is free");
    }
    return slot;
  }

  Collection<Slot> all() {
    return byIndex.values();
  }

  /** The only one; null: there are none, or more. */
  @Nullable Slot lone() {
    return byIndex.size() == 1 ? byIndex.firstEntry().getValue() : null;
  }

  long creditBytes() {
    return sumBytes(slot -> slot.creditBytes);
  }

  long coveredBytes() {
    return sumBytes(slot -> slot.coveredBytes);
  }

  /** What processes claim to hold. */
  long claimBytes() {
    return sumBytes(Slot::claimBytes);
  }

  /** What processes have still to give back of what was demanded of them. */
  long outstandingBytes() {
    return sumBytes(Slot::outstandingBytes);
  }

  /** The same, with what is there by now and has not been noticed. */
  long owedBytes() {
    return sumBytes(Slot::owedBytes);
  }

  /** What they were granted and do not use yet. */
  long promisedBytes() {
    return sumBytes(Slot::promisedBytes);
  }

  /** What could be had of them if they left. */
  long demandableBytes() {
    return sumBytes(Slot::demandableBytes);
  }

  /** What could be had of them in any way, demanded already or not. */
  long looseBytes() {
    return sumBytes(slot -> slot.demandableBytes() + slot.outstandingBytes() + slot.unusedBytes());
  }

  /** What processes claim to have in host memory. */
  long demotedBytes() {
    return sumBytes(Slot::demotedBytes);
  }

  /**
   * What of that they have no credit for.
   *
   * @param except not counted; null: all are
   */
  long outBytes(@Nullable Slot except) {
    return sumBytes(slot -> slot == except ? 0 : slot.outBytes());
  }

  /** The room that is kept for contexts on their way back. */
  long reservedBytes() {
    return sumBytes(slot -> slot.contexts.reservedBytes());
  }

  /** What processes that are off the device will take of it, and nobody has asked for. */
  long sunkBytes() {
    return sumBytes(slot -> slot.contexts.areWanted() ? 0 : slot.missingBytes());
  }

  /** Claims may be any number. */
  private long sumBytes(ToLongFunction<Slot> bytes) {
    long sum = 0;
    for (Slot slot : byIndex.values()) {
      sum = Bytes.add(sum, bytes.applyAsLong(slot));
    }
    return sum;
  }
}
