package dev.aliquot.agent.deep;

/** Where a process stands that was to leave its devices with its contexts. */
public sealed interface Dive {

  /** Nothing of it is on a device; it is locked until it is brought back. */
  record Deep() implements Dive {}

  /**
   * It is not locked, and has its contexts as before.
   *
   * @param reason a sentence for a person
   */
  record StaysHot(String reason) implements Dive {}

  /**
   * The driver neither takes it off its devices nor lets it go on.
   *
   * @param reason a sentence for a person
   */
  record Lost(String reason) implements Dive {}

  /** It has ended meanwhile. */
  record Gone() implements Dive {}
}
