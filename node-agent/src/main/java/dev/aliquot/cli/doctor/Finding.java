package dev.aliquot.cli.doctor;

/**
 * One thing looked at.
 *
 * @param subject what was looked at
 * @param state how it is
 * @param found what was found
 * @param advice what follows and what to do; empty where all is well
 */
record Finding(String subject, State state, String found, String advice) {
  /** How something is. */
  enum State {
    /** As it should be. */
    OK,
    /** Something that Aliquot can do without is missing. */
    LACK,
    /** Aliquot cannot work like this. */
    BROKEN
  }

  static Finding ok(String subject, String found) {
    return new Finding(subject, State.OK, found, "");
  }

  static Finding lack(String subject, String found, String advice) {
    return new Finding(subject, State.LACK, found, advice);
  }

  static Finding broken(String subject, String found, String advice) {
    return new Finding(subject, State.BROKEN, found, advice);
  }
}
