package dev.aliquot.health.fault;

import dev.aliquot.health.catalogue.FaultClass;
import java.time.Instant;
import java.util.EnumSet;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Supplier;

/**
 * One fault.
 *
 * @param id counted from 1 on, over restarts of the agent, too
 * @param first when it was first seen
 * @param last when it was last seen
 * @param device UUID
 * @param sources who saw it
 * @param sightings by all sources together; what came after it and because of it is counted in
 * @param pid of the process, 0 where nobody knows
 * @param process its name, or empty
 * @param blame whose process that is
 * @param place where on the device, or empty
 * @param message in the driver's own words, or empty
 * @param drill whether it was made for practice
 */
public record Fault(
    long id,
    Instant first,
    Instant last,
    String device,
    Cause cause,
    FaultClass faultClass,
    String text,
    String action,
    Set<Source> sources,
    long sightings,
    int pid,
    String process,
    Blame blame,
    String place,
    String message,
    boolean drill) {

  /** Copies the set. */
  public Fault {
    sources = Set.copyOf(sources);
  }

  static Fault of(long id, Report report, Blame blame) {
    return new Fault(
        id,
        report.moment().time(),
        report.moment().time(),
        report.device(),
        report.cause(),
        report.faultClass(),
        report.text(),
        report.action(),
        Set.of(report.source()),
        1,
        report.pid().orElse(0),
        report.process(),
        blame,
        report.place(),
        report.message(),
        report.drill());
  }

  /**
   * The same, seen once more: what the report knows and this does not is taken from it. Nobody is
   * to blame any more where it turns out to be a device's.
   */
  Fault again(Report report, Supplier<Blame> newBlame) {
    boolean named =
        cause.equals(new Cause.Xid(Cause.Xid.UNKNOWN))
            || (cause.equals(new Cause.Xid(154)) && report.cause() instanceof Cause.Recovery);
    boolean graver = report.faultClass().compareTo(faultClass) > 0;
    FaultClass newClass = named || graver ? report.faultClass() : faultClass;
    boolean takes = pid == 0 && report.pid().isPresent();
    return new Fault(
        id,
        first,
        report.moment().time().isAfter(last) ? report.moment().time() : last,
        device,
        named ? report.cause() : cause,
        newClass,
        named ? report.text() : text,
        named ? report.action() : action,
        with(sources, report.source()),
        sightings + 1,
        takes ? report.pid().getAsInt() : pid,
        takes && !report.process().isEmpty() ? report.process() : process,
        newClass.isDevices() ? Blame.NOBODY : takes ? newBlame.get() : blame,
        place.isEmpty() ? report.place() : place,
        message.isEmpty() ? report.message() : message,
        drill);
  }

  /** The same, after one more line that only came because of it. */
  Fault followed(Report report) {
    return new Fault(
        id,
        first,
        report.moment().time().isAfter(last) ? report.moment().time() : last,
        device,
        cause,
        faultClass,
        text,
        action,
        with(sources, report.source()),
        sightings + 1,
        pid,
        process,
        blame,
        place,
        message,
        drill);
  }

  /** Whether this can be what was reported as that process's. */
  boolean mayBeBy(OptionalInt other) {
    return pid == 0 || other.isEmpty() || other.getAsInt() == pid;
  }

  private static Set<Source> with(Set<Source> sources, Source one) {
    EnumSet<Source> all = EnumSet.of(one);
    all.addAll(sources);
    return all;
  }
}
