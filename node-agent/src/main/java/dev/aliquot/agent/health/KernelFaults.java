package dev.aliquot.agent.health;

import dev.aliquot.agent.kmsg.KernelRecord;
import dev.aliquot.agent.kmsg.LogListener;
import dev.aliquot.health.catalogue.FaultClass;
import dev.aliquot.health.fault.Moment;
import dev.aliquot.health.fault.Source;
import dev.aliquot.health.fault.XidReports;
import dev.aliquot.health.line.KernelLine;
import dev.aliquot.health.line.KernelLineReader;
import dev.aliquot.health.line.XidLine;
import dev.aliquot.nvml.PciAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/**
 * Faults that the kernel log tells of. What programs wrote to the log counts for nothing, but for
 * the agent's own drills.
 */
final class KernelFaults implements LogListener {
  private static final int MOST_ADDRESSES = 256;
  private static final int OFF_THE_BUS = 79;

  private final KernelLineReader reader = new KernelLineReader();
  private final XidReports reports;
  private final FaultDesk desk;
  private final Degradations degradations;
  private final Drills drills;
  private final Runnable ask;
  private final InstantSource clock;
  private final LongSupplier nanos;
  private final OptionalLong beginNanos;
  private final boolean hostPids;
  private final Map<PciAddress, String> devices;

  /**
   * @param devices UUIDs by where they are
   * @param ask has every device asked how it is
   * @param beginNanos what is older is told, and not acted on; by the clock that never jumps
   * @param hostPids whether processes have the numbers here that they have in the log
   */
  KernelFaults(
      Map<PciAddress, String> devices,
      XidReports reports,
      FaultDesk desk,
      Degradations degradations,
      Drills drills,
      Runnable ask,
      InstantSource clock,
      LongSupplier nanos,
      OptionalLong beginNanos,
      boolean hostPids) {
    this.devices = new ConcurrentHashMap<>(devices);
    this.reports = reports;
    this.desk = desk;
    this.degradations = degradations;
    this.drills = drills;
    this.ask = ask;
    this.clock = clock;
    this.nanos = nanos;
    this.beginNanos = beginNanos;
    this.hostPids = hostPids;
  }

  @Override
  public void record(KernelRecord record, Instant time) {
    String drill = drills.wordsOf(record.text());
    if (drill.isEmpty() && !record.isFromKernel()) {
      return;
    }
    long ageNanos = Math.max(0, Duration.between(time, clock.instant()).toNanos());
    Moment moment = new Moment(time, nanos.getAsLong() - ageNanos);
    reader
        .read(drill.isEmpty() ? record.text() : drill)
        .ifPresent(line -> take(line, moment, !drill.isEmpty()));
  }

  private void take(KernelLine line, Moment moment, boolean drill) {
    boolean past = beginNanos.isPresent() && moment.nanos() - beginNanos.getAsLong() < 0;
    switch (line) {
      case KernelLine.Named named -> {
        if (devices.size() < MOST_ADDRESSES) {
          devices.putIfAbsent(named.address(), named.uuid());
        }
      }
      case KernelLine.FallenOff gone ->
          desk.take(
              reports.of(OFF_THE_BUS, Source.KERNEL_LOG, moment, device(gone.address()), drill),
              past);
      case KernelLine.SwitchXid fault -> {
        desk.take(XidReports.of(fault, moment, drill), past);
        ask.run();
      }
      case XidLine xid -> {
        XidLine named = hostPids || drill ? xid : xid.withoutPid();
        desk.take(reports.of(named, moment, device(xid.address()), drill), past);
        if (reports.faultClass(xid) != FaultClass.APP) {
          ask.run();
        }
      }
    }
  }

  /** One that nobody knows is told by its address. */
  private String device(PciAddress address) {
    return devices.getOrDefault(address, address.toString());
  }

  @Override
  public void lost(long records) {
    ask.run();
  }

  @Override
  public void degraded(String reason) {
    degradations.begin(Degradations.What.KERNEL_LOG, reason);
  }

  @Override
  public void restored() {
    degradations.end(Degradations.What.KERNEL_LOG);
  }
}
