package dev.aliquot.ledger;

/** The answer to a process that asks to hold more. */
public sealed interface AskResult {

  /**
   * The credit is published and is at least what was wanted.
   *
   * @param creditBytes the slot's credit now
   */
  record Granted(long creditBytes) implements AskResult {}

  /**
   * It would pass the tenant's limit.
   *
   * @param sentence for a person
   */
  record OverLimit(String sentence) implements AskResult {}

  /** It may fit once ground truth is known: ask again after a reading that begins now. */
  record AfterReading() implements AskResult {}

  /** The book is closed: the tenant has been ended. */
  record Closed() implements AskResult {}
}
