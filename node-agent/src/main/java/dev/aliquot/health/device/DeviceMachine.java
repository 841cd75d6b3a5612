package dev.aliquot.health.device;

import dev.aliquot.health.fault.Cause;
import dev.aliquot.health.fault.Fault;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * The state of one device. Not thread-safe.
 *
 * <p>{@link Decision} says what decides; what really happened does before a drill. What only a line
 * or an event says may be held back by the {@link DeviceBreaker}; the device is suspect then. A
 * claim ends
 *
 * <ul>
 *   <li>when the driver has wanted the device or the node reset since, and wants nothing any more;
 *   <li>when the driver can say what it wants and has wanted nothing for {@code hold}, if the claim
 *       is for a reset, or the device is said to be gone and answers;
 *   <li>when the device was gone and answers again: it has been reset;
 *   <li>after {@code hold}, if it is a drill's;
 *   <li>when somebody clears it.
 * </ul>
 *
 * <p>A device that was out is healthy after {@code hold} without anything wrong; longer, the more
 * often it was out in the last hour.
 */
public final class DeviceMachine {
  private static final Duration HOUR = Duration.ofHours(1);
  private static final int MOST_DOUBLINGS = 5;
  private static final Cause OFF_THE_BUS = new Cause.Xid(79);

  private final String device;
  private final Duration hold;
  private final DeviceBreaker breaker;
  private final List<Claim> claims = new ArrayList<>();
  private final Deque<Long> outs = new ArrayDeque<>();
  private Condition condition = Condition.NOTHING_SAID;

  /** It was gone, and has not answered since. */
  private boolean lost;

  /** It was out last for practice alone. */
  private boolean practised;

  /** A fault would take it out, and the breaker does not let it. */
  private boolean heldBack;

  private String suspicion = "";
  private long goodSinceNanos;
  private Verdict verdict = Verdict.HEALTHY;

  /**
   * @param device its UUID
   * @param hold how long nothing may be wrong before a device is trusted again
   * @param breaker the node's
   */
  public DeviceMachine(String device, Duration hold, DeviceBreaker breaker) {
    this.device = device;
    this.hold = hold;
    this.breaker = breaker;
  }

  /** As last decided. */
  public Verdict verdict() {
    return verdict;
  }

  /** Whether it takes tenants only because the {@link DeviceBreaker} holds a fault back. */
  public boolean isHeldBack() {
    return heldBack && verdict.state().takesTenants();
  }

  /** What has taken it out by the table. */
  public List<Claim> claims() {
    return List.copyOf(claims);
  }

  /** What the next agent needs. */
  public Past past() {
    return new Past(
        verdict.state(),
        lost,
        List.copyOf(claims),
        goodSinceNanos,
        List.copyOf(outs),
        breaker.hasPlace(device));
  }

  /**
   * Carries on after an agent before this one: a device that was out is not trusted sooner because
   * the agent has been started again.
   *
   * @param said what it said of itself last; where that took it out, it counts until it is asked
   */
  public Verdict restore(Past past, Condition said, long nowNanos) {
    if (!Decision.of(said, List.of()).state().takesTenants()) {
      condition = said;
    }
    lost = past.lost();
    past.claims().forEach(claim -> claims.add(claim.notAfter(nowNanos)));
    past.outsNanos().stream().filter(out -> out <= nowNanos).forEach(outs::addLast);
    if (!past.state().takesTenants()) {
      boolean watched = past.state() == DeviceState.RECOVERING;
      goodSinceNanos = watched ? Math.min(past.goodSinceNanos(), nowNanos) : nowNanos;
      verdict = watched(nowNanos);
      if (past.placed()) {
        breaker.carry(device);
      }
    }
    return decide(nowNanos);
  }

  /** Takes a fault that is new, or graver than it was. */
  public Verdict fault(Fault fault, long nowNanos) {
    boolean gone = fault.cause().equals(OFF_THE_BUS) || fault.cause() == Cause.Seen.LOST;
    if (fault.faultClass().isDevices() || gone) {
      claims.removeIf(
          claim -> claim.cause().equals(fault.cause().label()) && claim.drill() == fault.drill());
      claims.add(
          new Claim(
              fault.id(),
              fault.cause().label(),
              fault.faultClass(),
              fault.text(),
              gone,
              fault.drill(),
              nowNanos,
              wantsReset()));
    }
    return decide(nowNanos);
  }

  /** Takes what the device says of itself. */
  public Verdict condition(Condition now, long nowNanos) {
    condition = now;
    lost |= now.presence() == Condition.Presence.LOST;
    if (now.presence() == Condition.Presence.ANSWERS) {
      if (lost) {
        lost = false;
        claims.clear();
      }
      if (wantsReset()) {
        claims.replaceAll(Claim::confirm);
      }
    }
    return decide(nowNanos);
  }

  /** Things that are no fault by themselves have come too often; empty: not any more. */
  public Verdict suspect(String why, long nowNanos) {
    suspicion = why;
    return decide(nowNanos);
  }

  /** Somebody says that it is well. What the device says of itself still counts. */
  public Verdict clear(long nowNanos) {
    claims.clear();
    suspicion = "";
    outs.clear();
    verdict = Verdict.HEALTHY;
    return decide(nowNanos);
  }

  /** To be called regularly: some things end by themselves. */
  public Verdict tick(long nowNanos) {
    return decide(nowNanos);
  }

  /** Whether the driver can say what it wants, and wants nothing of this device. */
  private boolean isContent() {
    return condition.presence() == Condition.Presence.ANSWERS
        && condition.action().filter(Recoveries::wantsNothingOfDevice).isPresent();
  }

  private boolean wantsReset() {
    return condition.action().filter(Recoveries::isReset).isPresent();
  }

  private Verdict decide(long nowNanos) {
    claims.removeIf(claim -> isOver(claim, nowNanos));
    Verdict wanted = wanted();
    DeviceState before = verdict.state();
    if (!wanted.state().takesTenants()) {
      if (before.takesTenants()) {
        outs.addLast(nowNanos);
      }
      practised = wanted.drill() && (practised || before.takesTenants());
      verdict = wanted;
    } else if (before.takesTenants()) {
      verdict = wanted;
    } else {
      goodSinceNanos = before == DeviceState.RECOVERING ? goodSinceNanos : nowNanos;
      verdict = nowNanos - goodSinceNanos < holdNanos(nowNanos) ? watched(nowNanos) : wanted;
    }
    if (verdict.state().takesTenants()) {
      breaker.release(device);
    }
    return verdict;
  }

  private Verdict watched(long nowNanos) {
    return new Verdict(
        DeviceState.RECOVERING,
        "nothing is wrong any more; it is watched for "
            + Duration.ofNanos(holdNanos(nowNanos)).toSeconds()
            + " s before it is trusted again",
        0,
        false,
        practised);
  }

  private boolean isOver(Claim claim, long nowNanos) {
    boolean waited = nowNanos - claim.sinceNanos() >= hold.toNanos();
    boolean believed = isContent() && (claim.confirmed() || (claim.yields() && waited));
    return believed || (claim.drill() && waited);
  }

  /** Twice as long for each time that it was out in the last hour, but for the first. */
  private long holdNanos(long nowNanos) {
    while (!outs.isEmpty() && nowNanos - outs.getFirst() > HOUR.toNanos()) {
      outs.removeFirst();
    }
    while (outs.size() > MOST_DOUBLINGS + 1) {
      outs.removeFirst();
    }
    return hold.toNanos() << Math.max(0, outs.size() - 1);
  }

  /** What the driver says decides before what was read; practice only where nothing real does. */
  private Verdict wanted() {
    heldBack = false;
    List<Claim> happened = claims(false);
    Verdict real = Decision.of(condition, happened);
    if (!real.state().takesTenants()) {
      return isFact(happened) ? fact(real) : behindBreaker(real);
    }
    List<Claim> drills = claims(true);
    Verdict suspect =
        real.equals(Verdict.HEALTHY) && !suspicion.isEmpty()
            ? Verdict.ofDevice(DeviceState.SUSPECT, suspicion, false)
            : real;
    Verdict practised = Decision.of(condition, drills);
    if (practised.state().takesTenants()) {
      return suspect;
    }
    // What a drill says is never the driver's word; where it is held back, what is real is shown.
    Verdict out = behindBreaker(practised);
    return out.state().takesTenants() && !suspect.equals(Verdict.HEALTHY) ? suspect : out;
  }

  /** Whether the device would be out as well without what the table says of lines and events. */
  private boolean isFact(List<Claim> claims) {
    List<Claim> gone = claims.stream().filter(Claim::gone).toList();
    return !Decision.of(condition, gone).state().takesTenants();
  }

  private Verdict fact(Verdict verdict) {
    breaker.release(device);
    return verdict;
  }

  private Verdict behindBreaker(Verdict out) {
    if (breaker.admit(device, out.drill())) {
      return out;
    }
    heldBack = true;
    String why = "held back, as " + breaker.rule() + ": " + out.reason();
    return new Verdict(DeviceState.SUSPECT, why, out.fault(), false, out.drill());
  }

  private List<Claim> claims(boolean drills) {
    return claims.stream().filter(claim -> claim.drill() == drills).toList();
  }
}
