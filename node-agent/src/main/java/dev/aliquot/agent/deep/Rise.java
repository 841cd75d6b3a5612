package dev.aliquot.agent.deep;

/** Where a process stands that was to come back to its devices with its contexts. */
public sealed interface Rise {

  /** It goes on. */
  record Restored() implements Rise {}

  /**
   * Its contexts are on its devices, or nobody knows better; but it does not go on yet. The next
   * try may succeed.
   *
   * @param reason a sentence for a person
   */
  record Locked(String reason) implements Rise {}

  /**
   * It is where it was; the next try may succeed.
   *
   * @param reason a sentence for a person
   */
  record StaysDeep(String reason) implements Rise {}

  /**
   * The driver never lets it go on.
   *
   * @param reason a sentence for a person
   */
  record Lost(String reason) implements Rise {}

  /** It has ended meanwhile. */
  record Gone() implements Rise {}
}
