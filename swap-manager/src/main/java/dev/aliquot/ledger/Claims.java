package dev.aliquot.ledger;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Asks for guaranteed memory that wait for it, in the order they came: what is freed is theirs
 * first. One for each process. Guarded by the device's lock.
 */
final class Claims {
  private record Claimant(Tenancy book, Slot slot) {}

  private final Map<Claimant, Long> wantedBytes = new LinkedHashMap<>();
  private final Set<Claimant> stuck = new HashSet<>();

  /** Keeps its place where it is known already. */
  void put(Tenancy book, Slot slot, long bytes) {
    Claimant claimant = new Claimant(book, slot);
    stuck.remove(claimant);
    wantedBytes.put(claimant, bytes);
  }

  /** Whether there was one. */
  boolean remove(Tenancy book, Slot slot) {
    Claimant claimant = new Claimant(book, slot);
    stuck.remove(claimant);
    return wantedBytes.remove(claimant) != null;
  }

  /** Whether the process waits. */
  boolean has(Tenancy book, Slot slot) {
    return wantedBytes.containsKey(new Claimant(book, slot));
  }

  /** Whether a process of the tenant waits. */
  boolean hasAnyOf(Tenancy book) {
    return wantedBytes.keySet().stream().anyMatch(claimant -> claimant.book() == book);
  }

  /** Whether a process of the tenant waits and came before this one, if that waits. */
  boolean hasAnyBefore(Tenancy book, Tenancy ofBook, Slot slot) {
    Claimant end = new Claimant(ofBook, slot);
    for (Claimant claimant : wantedBytes.keySet()) {
      if (claimant.equals(end)) {
        break;
      }
      if (claimant.book() == book) {
        return true;
      }
    }
    return false;
  }

  /** Whether another tenant came before this process and waits: not one that runs meanwhile. */
  boolean hasOthersBefore(Tenancy book, Slot slot) {
    Claimant own = new Claimant(book, slot);
    for (Claimant claimant : wantedBytes.keySet()) {
      if (claimant.equals(own)) {
        break;
      }
      if (claimant.book() != book && !claimant.slot().reclaims) {
        return true;
      }
    }
    return false;
  }

  /** Nothing that could be taken back is left for a claim, until it is put again. */
  void markStuck(Tenancy book, Slot slot) {
    stuck.add(new Claimant(book, slot));
  }

  /** Whether another tenant's claim is stuck. */
  boolean isStuckBeside(Tenancy book) {
    return stuck.stream().anyMatch(claimant -> claimant.book() != book);
  }

  boolean isEmpty() {
    return wantedBytes.isEmpty();
  }

  /** Those who wait. */
  Set<Slot> slots() {
    return wantedBytes.keySet().stream().map(Claimant::slot).collect(Collectors.toSet());
  }

  /** What all of them still need. */
  long sumBytes() {
    return sumBytes(claimant -> true);
  }

  /** What those that came before this process still need; all others where it does not wait. */
  long beforeBytes(Tenancy book, Slot slot) {
    Claimant own = new Claimant(book, slot);
    long sum = 0;
    for (Map.Entry<Claimant, Long> each : wantedBytes.entrySet()) {
      if (each.getKey().equals(own)) {
        break;
      }
      sum = Bytes.add(sum, needBytes(each));
    }
    return sum;
  }

  /** What the tenant's other processes still need. */
  long siblingsBytes(Tenancy book, Slot slot) {
    return sumBytes(claimant -> claimant.book() == book && claimant.slot() != slot);
  }

  private long sumBytes(Predicate<Claimant> of) {
    long sum = 0;
    for (Map.Entry<Claimant, Long> each : wantedBytes.entrySet()) {
      if (of.test(each.getKey())) {
        sum = Bytes.add(sum, needBytes(each));
      }
    }
    return sum;
  }

  private static long needBytes(Map.Entry<Claimant, Long> claim) {
    return Math.max(0, claim.getValue() - claim.getKey().slot().creditBytes);
  }
}
