package dev.aliquot.agent.health;

import dev.aliquot.agent.count.Counters;
import dev.aliquot.agent.count.FaultCounts;
import dev.aliquot.agent.count.FaultReactions;
import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.health.Standings.Standing;
import dev.aliquot.health.catalogue.FaultClass;
import dev.aliquot.health.device.Condition;
import dev.aliquot.health.device.DeviceBreaker;
import dev.aliquot.health.device.Verdict;
import dev.aliquot.health.fault.Blame;
import dev.aliquot.health.fault.Cause;
import dev.aliquot.health.fault.Correlator;
import dev.aliquot.health.fault.Fault;
import dev.aliquot.health.fault.Report;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where all reports come together: they become faults, somebody is blamed or nobody, and devices
 * stand as that says. Thread-safe; no call of it waits for the driver.
 */
final class FaultDesk {
  private static final Logger LOG = LoggerFactory.getLogger(FaultDesk.class);

  /** Older faults are never seen again, and count for nothing. */
  private static final Duration LONG_AGO = Duration.ofDays(2);

  private final LongSupplier nanos;
  private final Culprits culprits;
  private final FaultHistory history;
  private final Counters counters;
  private final Standings standings;
  private final InstantSource clock;
  private final FaultLog log = new FaultLog();
  private final Announcements announcements = new Announcements(this::tell);
  private final Correlator correlator;
  private long nextFault;
  private Changed changed = Changed.NOTHING;

  /** What has changed, from what can wait to what cannot. */
  enum Changed {
    NOTHING,
    /** Only what programs have done. */
    PROGRAMS,
    DEVICES
  }

  /**
   * @param standings as an agent before this one left them
   * @param nextFault the id of the next fault
   */
  FaultDesk(
      Standings standings,
      InstantSource clock,
      LongSupplier nanos,
      Culprits culprits,
      FaultHistory history,
      Counters counters,
      long nextFault) {
    this.clock = clock;
    this.nanos = nanos;
    this.standings = standings;
    this.culprits = culprits;
    this.history = history;
    this.counters = counters;
    this.nextFault = nextFault;
    this.correlator = new Correlator(nextFault);
    history.all().stream()
        .flatMap(view -> FaultHistory.fault(view).stream())
        .forEach(this::restore);
    standings.restore(nanos.getAsLong(), this::decide);
  }

  private void restore(Fault fault) {
    long then = nanos.getAsLong() - age(fault).toNanos();
    correlator.restore(fault, then);
    standings
        .before(fault.device())
        .filter(kept -> fault.last().isAfter(kept.cleared()))
        .flatMap(kept -> standings.of(fault.device()))
        .ifPresent(standing -> standing.repetition.add(fault, then));
  }

  /** Between nothing and {@link #LONG_AGO}, wherever the clock has jumped. */
  private Duration age(Fault fault) {
    Instant now = clock.instant();
    return !fault.last().isBefore(now)
        ? Duration.ZERO
        : fault.last().isBefore(now.minus(LONG_AGO))
            ? LONG_AGO
            : Duration.between(fault.last(), now);
  }

  /**
   * Takes a report.
   *
   * @param past it is from before anybody watched: told, and not acted on
   */
  synchronized void take(Report report, boolean past) {
    long now = nanos.getAsLong();
    Correlator.Outcome outcome = correlator.take(report, () -> blame(report));
    Fault fault = outcome.fault();
    history.put(fault);
    nextFault = Math.max(nextFault, fault.id() + 1);
    changed(fault.faultClass().isDevices() ? Changed.DEVICES : Changed.PROGRAMS);
    announcements.take(outcome, past, now);
    Optional<Standing> standing = standings.of(fault.device());
    if (standing.isPresent() && !past) {
      act(standing.get(), fault, report);
      if (outcome.isBlamed()) {
        reacted(FaultReactions.Kind.BLAME, report, now);
      }
    }
  }

  /** Nobody is to blame for what is only watched, though a process was named. */
  private Blame blame(Report report) {
    return report.faultClass() == FaultClass.APP
        ? culprits.of(report.pid(), report.moment().nanos(), nanos.getAsLong())
        : Blame.NOBODY;
  }

  /** A line that only came because of a fault takes nothing out again: that may be over by then. */
  private void act(Standing standing, Fault fault, Report report) {
    boolean takesOut = report.faultClass().isDevices() || report.cause() == Cause.Seen.LOST;
    boolean claimed =
        standing.machine.claims().stream().anyMatch(claim -> claim.fault() == fault.id());
    if (takesOut && !claimed) {
      long now = nanos.getAsLong();
      Verdict verdict = standing.machine.fault(fault, now);
      decide(standing, verdict);
      if (!verdict.state().takesTenants()) {
        reacted(FaultReactions.Kind.DEVICE_OUT, report, now);
      }
    }
  }

  private void tell(Fault fault, boolean past) {
    long now = nanos.getAsLong();
    counters.faults.add(
        new FaultCounts.Kind(
            fault.device(),
            fault.cause().label(),
            fault.faultClass().label(),
            fault.blame().namespace(),
            fault.blame().pod(),
            fault.blame().name(),
            fault.drill()));
    log.tell(fault, past, now);
    Optional<Standing> standing = standings.of(fault.device());
    if (standing.isPresent() && !past) {
      standing.get().repetition.add(fault, now);
      suspect(standing.get(), now);
    }
  }

  private void suspect(Standing standing, long now) {
    decide(standing, standing.machine.suspect(standing.repetition.suspicion(now).orElse(""), now));
  }

  private void changed(Changed what) {
    changed = changed.compareTo(what) > 0 ? changed : what;
  }

  private void reacted(FaultReactions.Kind kind, Report report, long now) {
    counters.faultReactions.after(kind, Duration.ofNanos(now - report.moment().nanos()));
  }

  /** Takes what a device says of itself. */
  synchronized void condition(String device, Condition condition) {
    standings.of(device).ifPresent(standing -> condition(standing, condition));
  }

  private void condition(Standing standing, Condition condition) {
    if (!condition.equals(standing.said)) {
      standing.said = condition;
      changed(Changed.DEVICES);
    }
    decide(standing, standing.machine.condition(condition, nanos.getAsLong()));
  }

  /** What a device said of itself last, to an agent before this one, too. */
  synchronized Condition said(String device) {
    return standings.of(device).map(each -> each.said).orElse(Condition.NOTHING_SAID);
  }

  /** Some things end by themselves; to be called about once a second. */
  synchronized void tick() {
    long now = nanos.getAsLong();
    announcements.tick(now);
    for (Standing standing : standings.all()) {
      suspect(standing, now);
      decide(standing, standing.machine.tick(now));
    }
  }

  /** Somebody says that a device is well. */
  synchronized void clear(Device device) {
    standings.of(device.uuid()).ifPresent(this::clear);
  }

  private void clear(Standing standing) {
    LOG.info("device {} is cleared by hand", standing.device.uuid());
    standing.repetition.clear();
    standing.cleared = clock.instant();
    changed(Changed.DEVICES);
    decide(standing, standing.machine.clear(nanos.getAsLong()));
  }

  /** What the next agent needs to know of devices, by UUID. */
  synchronized Map<String, KeptDevice> kept() {
    return standings.kept();
  }

  /** The breaker as it is now, to try out what would happen. */
  synchronized DeviceBreaker breaker() {
    return standings.breaker();
  }

  /** How many devices take tenants only because a fault is held back. */
  synchronized int heldBack() {
    return standings.heldBack();
  }

  /** A sentence for a person; empty where nothing is held back. */
  synchronized Optional<String> whyHeldBack() {
    return standings.whyHeldBack();
  }

  synchronized long nextFault() {
    return nextFault;
  }

  /** What is new since this was last asked. */
  synchronized Changed takeChanged() {
    Changed was = changed;
    changed = Changed.NOTHING;
    return was;
  }

  private void decide(Standing standing, Verdict verdict) {
    Verdict before = standing.device.verdict();
    if (before.equals(verdict)) {
      return;
    }
    standing.device.verdict(verdict);
    changed(Changed.DEVICES);
    if (verdict.state() != before.state()) {
      LOG.warn(
          "device {} was {} and is {}{}",
          standing.device.uuid(),
          before.state().label(),
          verdict.state().label(),
          verdict.reason().isEmpty() ? "" : ": " + verdict.reason());
    }
  }
}
