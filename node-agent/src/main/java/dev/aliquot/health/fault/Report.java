package dev.aliquot.health.fault;

import dev.aliquot.health.catalogue.FaultClass;
import java.util.OptionalInt;

/**
 * One sighting of a fault by one source.
 *
 * @param moment when it happened
 * @param device UUID
 * @param faultClass what it asks for, by the table and by what the source itself says
 * @param text what happened, a sentence for a person
 * @param action what a person is to do
 * @param pid in the agent's pid namespace; empty where the source does not know
 * @param process its name, or empty
 * @param place where on the device, or empty
 * @param message the source's own words, or empty
 * @param causedBy the XID that it says it comes after
 * @param drill whether it was made for practice
 */
public record Report(
    Source source,
    Moment moment,
    String device,
    Cause cause,
    FaultClass faultClass,
    String text,
    String action,
    OptionalInt pid,
    String process,
    String place,
    String message,
    OptionalInt causedBy,
    boolean drill) {

  /** What no process has done, seen on the device itself. */
  public static Report ofDevice(
      Moment moment,
      String device,
      Cause cause,
      FaultClass faultClass,
      String text,
      String action) {
    return new Report(
        Source.DEVICE_STATE,
        moment,
        device,
        cause,
        faultClass,
        text,
        action,
        OptionalInt.empty(),
        "",
        "",
        "",
        OptionalInt.empty(),
        false);
  }
}
