package dev.aliquot.ledger;

/** The answer to a request for a guaranteed part of a device. */
public sealed interface Admission {

  /** The request is guaranteed from now on. */
  record Admitted() implements Admission {}

  /**
   * The request cannot be guaranteed.
   *
   * @param sentence for a person: what was asked, what is free, what to do
   */
  record Refused(String sentence) implements Admission {}
}
