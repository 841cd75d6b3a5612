package dev.aliquot.ledger;

/**
 * What a tenant has of one device.
 *
 * @param requestBytes what it is always able to get
 * @param limitBytes the most it may hold; what lies between is lent to it while nobody needs it
 */
public record Share(long requestBytes, long limitBytes) {

  /** Checks the order. */
  public Share {
    if (requestBytes < 0 || limitBytes < requestBytes) {
      throw new IllegalArgumentException(
          "a request is from 0 to its limit, not "
              + requestBytes
              + " with a limit of "
              + limitBytes);
    }
  }

  /** A share without loans. */
  public static Share fixed(long bytes) {
    return new Share(bytes, bytes);
  }

  /** Whether the tenant may ever hold more than its request. */
  public boolean borrows() {
    return limitBytes > requestBytes;
  }
}
