package dev.aliquot.agent.tenant;

import dev.aliquot.agent.process.ProcessId;
import dev.aliquot.ledger.OverheadRule;
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

  String command;

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
  }
}
