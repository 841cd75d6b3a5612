package dev.aliquot.ledger;

/** An invariant that does not hold. */
final class Broken {
  private Broken() {}

  /** A plain comparison: this runs after each of millions of operations. */
  static void unless(boolean invariant, String what, Object where) {
    if (!invariant) {
      throw new AssertionError("broken: " + what + " at " + where);
    }
  }
}
