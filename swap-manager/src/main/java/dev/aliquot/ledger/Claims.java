package dev.aliquot.ledger;

import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Asks that wait for memory: what is freed is theirs first, by rank, and among equals in the order
 * they came. One for each process. Guarded by the device's lock.
 */
final class Claims {
  private record Claimant(Tenancy book, Slot slot) {}

  private final Map<Claimant, Long> wantedBytes = new LinkedHashMap<>();
  private final Set<Claimant> stuck = new HashSet<>();
  private final Comparator<Tenancy> order;

  /**
   * @param order whose asks are served first; it may change while they wait
   */
  Claims(Comparator<Tenancy> order) {
    this.order = order;
  }

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

  /** Whether a process of the tenant waits and is served before this one. */
  boolean hasAnyBefore(Tenancy book, Tenancy ofBook, Slot slot) {
    return anyBefore(ofBook, slot, claimant -> claimant.book() == book);
  }

  /** Whether another tenant is served before this process: not one that runs meanwhile. */
  boolean hasOthersBefore(Tenancy book, Slot slot) {
    return anyBefore(book, slot, claimant -> claimant.book() != book && !claimant.slot().reclaims);
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

  /** What those that are served before this process still need. */
  long beforeBytes(Tenancy book, Slot slot) {
    Claimant own = new Claimant(book, slot);
    boolean cameLater = false;
    long sum = 0;
    for (Map.Entry<Claimant, Long> each : wantedBytes.entrySet()) {
      cameLater |= each.getKey().equals(own);
      sum = isBefore(each.getKey(), book, cameLater) ? Bytes.add(sum, needBytes(each)) : sum;
    }
    return sum;
  }

  /** What the tenant's other processes still need. */
  long siblingsBytes(Tenancy book, Slot slot) {
    return sumBytes(claimant -> claimant.book() == book && claimant.slot() != slot);
  }

  /** Whether such a one is served before a process, which would be the last of its rank if new. */
  private boolean anyBefore(Tenancy book, Slot slot, Predicate<Claimant> such) {
    Claimant own = new Claimant(book, slot);
    boolean cameLater = false;
    for (Claimant each : wantedBytes.keySet()) {
      cameLater |= each.equals(own);
      if (isBefore(each, book, cameLater) && such.test(each)) {
        return true;
      }
    }
    return false;
  }

  private boolean isBefore(Claimant each, Tenancy book, boolean cameLater) {
    int rank = order.compare(each.book(), book);
    return rank < 0 || (rank == 0 && !cameLater);
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
