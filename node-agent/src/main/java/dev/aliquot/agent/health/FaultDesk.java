package dev.aliquot.agent.health;

import dev.aliquot.agent.count.Counters;
import dev.aliquot.agent.count.FaultCounts;
import dev.aliquot.agent.count.FaultReactions;
import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.agent.view.FaultView;
import dev.aliquot.health.catalogue.FaultClass;
import dev.aliquot.health.device.Claim;
import dev.aliquot.health.device.Condition;
import dev.aliquot.health.device.DeviceMachine;
import dev.aliquot.health.device.Verdict;
import dev.aliquot.health.fault.Blame;
import dev.aliquot.health.fault.Cause;
import dev.aliquot.health.fault.Correlator;
import dev.aliquot.health.fault.Fault;
import dev.aliquot.health.fault.Repetition;
import dev.aliquot.health.fault.Report;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where all reports come together: they become faults, somebody is blamed or nobody, and devices
 * stand as that says. Thread-safe; no call of it waits for the driver.
 */
final class FaultDesk {
  private static final Logger LOG = LoggerFactory.getLogger(FaultDesk.class);

  /** Older faults are never seen again. */
  private static final Duration LONG_AGO = Duration.ofDays(1);

  private final LongSupplier nanos;
  private final Culprits culprits;
  private final FaultHistory history;
  private final Counters counters;
  private final Map<String, Standing> standings = new LinkedHashMap<>();
  private final FaultLog log = new FaultLog();
  private final Correlator correlator;
  private long nextFault;
  private boolean changed;

  /** One device. */
  private record Standing(Device device, DeviceMachine machine, Repetition repetition) {}

  /**
   * @param hold how long nothing may be wrong before a device is trusted again
   * @param nextFault the id of the next fault
   * @param claims what had taken devices out for an agent before this one
   */
  FaultDesk(
      Inventory inventory,
      Duration hold,
      InstantSource clock,
      LongSupplier nanos,
      Culprits culprits,
      FaultHistory history,
      Counters counters,
      long nextFault,
      Map<String, List<Claim>> claims) {
    this.nanos = nanos;
    this.culprits = culprits;
    this.history = history;
    this.counters = counters;
    this.nextFault = nextFault;
    this.correlator = new Correlator(nextFault);
    long now = nanos.getAsLong();
    Instant wall = clock.instant();
    for (FaultView view : history.all()) {
      Duration age = Duration.between(view.last(), wall);
      FaultHistory.fault(view).ifPresent(fault -> correlator.restore(fault, now - saturated(age)));
    }
    for (Device device : inventory.devices()) {
      DeviceMachine machine = new DeviceMachine(hold);
      standings.put(device.uuid(), new Standing(device, machine, new Repetition()));
      decide(device.uuid(), machine.restore(claims.getOrDefault(device.uuid(), List.of()), now));
    }
  }

  private static long saturated(Duration age) {
    return age.compareTo(LONG_AGO) > 0 ? LONG_AGO.toNanos() : age.toNanos();
  }

  /**
   * Takes a report.
   *
   * @param past it is from before anybody watched: told, and not acted on
   */
  synchronized void take(Report report, boolean past) {
    boolean programs =
        report.faultClass() == FaultClass.APP || report.faultClass() == FaultClass.WATCH;
    Blame blame = programs ? culprits.of(report.pid(), nanos.getAsLong()) : Blame.NOBODY;
    Correlator.Outcome outcome = correlator.take(report, blame);
    Fault fault = outcome.fault();
    history.put(fault);
    changed = true;
    nextFault = Math.max(nextFault, fault.id() + 1);
    if (outcome.isNew()) {
      counters.faults.add(
          new FaultCounts.Kind(
              fault.device(),
              fault.cause().label(),
              fault.faultClass().label(),
              fault.blame().namespace(),
              fault.blame().pod(),
              fault.blame().name(),
              fault.drill()));
      log.tell(fault, past, nanos.getAsLong());
    }
    Standing standing = standings.get(fault.device());
    if (standing != null && !past) {
      act(standing, fault, outcome.isNew(), report);
    }
  }

  private void act(Standing standing, Fault fault, boolean isNew, Report report) {
    long now = nanos.getAsLong();
    String device = fault.device();
    if (isNew) {
      standing.repetition().add(fault, now);
      decide(
          device, standing.machine().suspect(standing.repetition().suspicion(now).orElse(""), now));
    }
    boolean claimed =
        standing.machine().claims().stream().anyMatch(claim -> claim.fault() == fault.id());
    boolean takesOut = fault.faultClass().isDevices() || fault.cause() == Cause.Seen.LOST;
    if (takesOut && !claimed) {
      decide(device, standing.machine().fault(fault, now));
      reacted(FaultReactions.Kind.DEVICE_OUT, report, now);
    }
    if (fault.blame().isSomebody() && isNew) {
      reacted(FaultReactions.Kind.BLAME, report, now);
    }
  }

  private void reacted(FaultReactions.Kind kind, Report report, long now) {
    counters.faultReactions.after(kind, Duration.ofNanos(now - report.moment().nanos()));
  }

  /** Takes what a device says of itself. */
  synchronized void condition(String device, Condition condition) {
    Standing standing = standings.get(device);
    if (standing != null) {
      decide(device, standing.machine().condition(condition, nanos.getAsLong()));
    }
  }

  /** Some things end by themselves; to be called about once a second. */
  synchronized void tick() {
    long now = nanos.getAsLong();
    standings.forEach(
        (device, standing) -> {
          standing.machine().suspect(standing.repetition().suspicion(now).orElse(""), now);
          decide(device, standing.machine().tick(now));
        });
  }

  /** Somebody says that a device is well. */
  synchronized Verdict clear(Device device) {
    Standing standing = standings.get(device.uuid());
    if (standing == null) {
      return Verdict.HEALTHY;
    }
    standing.repetition().clear();
    LOG.info("device {} is cleared by hand", device.uuid());
    return decide(device.uuid(), standing.machine().clear(nanos.getAsLong()));
  }

  /** What has taken devices out, by UUID; only of those that are. */
  synchronized Map<String, List<Claim>> claims() {
    Map<String, List<Claim>> claims = new LinkedHashMap<>();
    standings.forEach(
        (device, standing) -> {
          if (!standing.machine().claims().isEmpty()) {
            claims.put(device, standing.machine().claims());
          }
        });
    return claims;
  }

  synchronized long nextFault() {
    return nextFault;
  }

  /** Whether there is anything new since this was last asked. */
  synchronized boolean takeChanged() {
    boolean was = changed;
    changed = false;
    return was;
  }

  private Verdict decide(String uuid, Verdict verdict) {
    Standing standing = standings.get(uuid);
    if (standing == null || standing.device().verdict().equals(verdict)) {
      return verdict;
    }
    Verdict before = standing.device().verdict();
    standing.device().verdict(verdict);
    changed = true;
    if (verdict.state() != before.state()) {
      String why = verdict.reason().isEmpty() ? "" : ": " + verdict.reason();
      LOG.warn(
          "device {} was {} and is {}{}",
          uuid,
          before.state().label(),
          verdict.state().label(),
          why);
    }
    return verdict;
  }
}
