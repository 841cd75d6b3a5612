package dev.aliquot.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Pages of one tenant on one device, as a test fills them in. */
class FakeSlots implements SlotPort {
  final Map<Integer, Long> used = new HashMap<>();
  final Map<Integer, Long> changes = new HashMap<>();
  final Map<Integer, Long> movable = new HashMap<>();
  final Map<Integer, Long> demoted = new HashMap<>();
  final Map<Integer, Long> hosted = new HashMap<>();
  final Map<Integer, Long> credit = new HashMap<>();
  final Map<Integer, Long> covered = new HashMap<>();
  final Map<Integer, Long> resident = new HashMap<>();
  final Set<Integer> away = new HashSet<>();
  final Set<Integer> parked = new HashSet<>();
  final Map<Integer, Integer> wakes = new HashMap<>();

  /** So much does a process that is on its way out move whenever somebody looks. */
  long movedAtEachLook;

  @Override
  public long usedBytes(int slot) {
    if (away.contains(slot)) {
      demote(slot, Math.min(movedAtEachLook, movableBytes(slot)));
    }
    return used.getOrDefault(slot, 0L);
  }

  @Override
  public long changes(int slot) {
    return changes.getOrDefault(slot, 0L);
  }

  @Override
  public long movableBytes(int slot) {
    return movable.getOrDefault(slot, 0L);
  }

  @Override
  public long demotedBytes(int slot) {
    return demoted.getOrDefault(slot, 0L);
  }

  @Override
  public long hostBytes(int slot) {
    return hosted.getOrDefault(slot, 0L);
  }

  @Override
  public void writeCredit(int slot, long creditBytes) {
    credit.put(slot, creditBytes);
  }

  @Override
  public void writeCovered(int slot, long coveredBytes) {
    assertThat(coveredBytes).isGreaterThanOrEqualTo(credit.getOrDefault(slot, 0L));
    covered.put(slot, coveredBytes);
  }

  @Override
  public void writeResident(int slot, long residentBytes) {
    resident.put(slot, residentBytes);
    wakes.merge(slot, 1, Integer::sum);
  }

  @Override
  public int wake(int slot) {
    return wakes.getOrDefault(slot, 0);
  }

  @Override
  public void writeAway(int slot, boolean isAway) {
    if (isAway) {
      away.add(slot);
    } else {
      away.remove(slot);
    }
  }

  @Override
  public boolean isParked(int slot) {
    return parked.contains(slot);
  }

  /** The process does what it was told: everything that moves is in host memory, it is at rest. */
  void park(int slot) {
    assertThat(away).contains(slot);
    demote(slot, movableBytes(slot));
    parked.add(slot);
  }

  /** It runs again: what fits in its credit comes back. */
  void run(int slot) {
    assertThat(away).doesNotContain(slot);
    parked.remove(slot);
    demote(slot, -Math.min(demotedBytes(slot), credit.get(slot) - usedBytes(slot)));
  }

  /** The process has moved so much out of the device's memory. */
  void demote(int slot, long bytes) {
    used.merge(slot, -bytes, Long::sum);
    movable.merge(slot, -bytes, Long::sum);
    demoted.merge(slot, bytes, Long::sum);
  }

  void holdMovable(int slot, long bytes) {
    used.put(slot, bytes);
    movable.put(slot, bytes);
  }
}
