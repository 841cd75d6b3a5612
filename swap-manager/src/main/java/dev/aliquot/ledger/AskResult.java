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
   * It cannot be had.
   *
   * @param sentence for a person
   */
  record Refused(Cause cause, String sentence) implements AskResult {}

  /**
   * It may fit once ground truth is known: ask again after a reading that begins now.
   *
   * @param guaranteed whether it is kept for whoever asks; else others may be quicker
   */
  record AfterReading(boolean guaranteed) implements AskResult {}

  /**
   * It is guaranteed, and others have been told to make room: ask again when one of them has, or
   * give up with {@link TenantBook#withdraw}.
   *
   * @param missingBytes what they still have to give
   */
  record MakingRoom(long missingBytes) implements AskResult {}

  /** The book is closed: the tenant has been ended. */
  record Closed() implements AskResult {}

  /** Nothing is handed out any more: the agent stops. */
  record Stopping() implements AskResult {}

  /** Why something cannot be had. */
  enum Cause {
    /** It would pass the tenant's limit. */
    LIMIT,
    /** It would be a loan, and nothing is left to lend. */
    NOTHING_TO_LEND,
    /** It would be a loan, and the process is to be off the device: first it comes back. */
    AWAY,
    /** It is guaranteed, but those who borrowed it cannot give it back. */
    STUCK
  }
}
