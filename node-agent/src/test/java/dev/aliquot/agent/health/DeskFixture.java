package dev.aliquot.agent.health;

import dev.aliquot.agent.count.Counters;
import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.DeviceFacts;
import dev.aliquot.agent.device.DeviceReading;
import dev.aliquot.agent.device.HealthReader;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.health.catalogue.Catalogue;
import dev.aliquot.health.device.Condition;
import dev.aliquot.health.device.DeviceBreaker;
import dev.aliquot.health.fault.Blame;
import dev.aliquot.health.fault.Moment;
import dev.aliquot.health.fault.Source;
import dev.aliquot.health.fault.XidReports;
import dev.aliquot.health.line.KernelLineReader;
import dev.aliquot.health.line.XidLine;
import dev.aliquot.ledger.Headroom;
import dev.aliquot.nvml.RecoveryAction;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A desk for one device, with a clock of its own; tenants are whoever a test says. */
abstract class DeskFixture {
  static final Duration HOLD = Duration.ofSeconds(30);
  static final String UUID = "GPU-1";
  private static final Instant BEGIN = Instant.parse("2026-11-29T12:00:00Z");

  volatile Condition answer = answers(RecoveryAction.NONE);
  final Device device = device(() -> answer);
  final Inventory inventory = new Inventory("580", "13.0", List.of(device));
  final Map<Integer, Culprits.Owner> owners = new HashMap<>();
  final Counters counters = new Counters();
  final XidReports reports = new XidReports(Catalogue.builtIn("nvidia"));
  FaultHistory history = new FaultHistory();
  private volatile Duration now = Duration.ofDays(1);
  private volatile Duration wall = Duration.ZERO;
  FaultDesk desk = desk(history, Map.of());

  static Device device(HealthReader health) {
    return new Device(
        new DeviceFacts(0, UUID, "H100", "0000:01:00.0", 8L << 30, 0),
        new Headroom(0, 0),
        () -> DeviceReading.NONE,
        health,
        null);
  }

  static Condition answers(RecoveryAction action) {
    return new Condition(Condition.Presence.ANSWERS, Optional.of(action), false, false, 0);
  }

  FaultDesk desk(FaultHistory from, Map<String, KeptDevice> kept) {
    Culprits culprits = new Culprits(inventory, pid -> Optional.ofNullable(owners.get(pid)));
    Standings standings = new Standings(inventory, HOLD, new DeviceBreaker(1, 50), kept);
    return new FaultDesk(
        standings, this::time, this::nanos, culprits, from, counters, from.nextId());
  }

  Instant time() {
    return BEGIN.plus(now).plus(wall);
  }

  long nanos() {
    return now.toNanos();
  }

  void later(Duration time) {
    now = now.plus(time);
    desk.tick();
  }

  /** Sets the clock that jumps. */
  void wallIsOff(Duration by) {
    wall = by;
  }

  void owns(String tenant, int pid) {
    owners.put(
        pid,
        new Culprits.Owner(
            new Blame("id-" + tenant, tenant, "", "", ""), Duration.ofHours(1).toNanos()));
  }

  void line(String rest) {
    XidLine xid =
        (XidLine) new KernelLineReader().read("NVRM: Xid (PCI:0000:01:00): " + rest).orElseThrow();
    desk.take(reports.of(xid, new Moment(time(), nanos()), UUID, false), false);
  }

  void event(int code) {
    Moment moment = new Moment(time(), nanos());
    desk.take(reports.of(code, Source.NVML_EVENT, moment, UUID, false), false);
  }

  void says(RecoveryAction action) {
    desk.condition(UUID, answers(action));
  }

  String state() {
    return device.verdict().state().label();
  }
}
