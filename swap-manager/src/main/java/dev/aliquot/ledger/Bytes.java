package dev.aliquot.ledger;

/** Sums of amounts that are not negative. */
final class Bytes {
  private Bytes() {}

  /** Never past {@link Long#MAX_VALUE}. */
  static long add(long a, long b) {
    long sum = a + b;
    return sum < 0 ? Long.MAX_VALUE : sum;
  }
}
