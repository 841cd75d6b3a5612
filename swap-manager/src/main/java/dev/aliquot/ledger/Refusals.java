package dev.aliquot.ledger;

/** Why something cannot be had now, in a sentence for a person. Under the device's lock. */
final class Refusals {
  private Refusals() {}

  /** Guaranteed, but those who have it cannot give it back. */
  static AskResult.Refused stuck(Room room, long needBytes) {
    return new AskResult.Refused(
        AskResult.Cause.STUCK,
        ByteText.of(needBytes)
            + " are guaranteed but cannot be had now: "
            + ByteText.of(room.loanBytes())
            + " are lent to tenants that cannot give them back, "
            + ByteText.of(room.foreignBytes())
            + " are held by processes that are no tenant's");
  }

  /** It would be a loan, and whoever asks has been told to leave. */
  static AskResult.Refused away(long needBytes) {
    return new AskResult.Refused(
        AskResult.Cause.AWAY,
        ByteText.of(needBytes)
            + " more would be a loan, and the process is to leave the device: ask when it is back");
  }

  /** It would be a loan, and there is not so much to lend. */
  static AskResult.Refused nothingToLend(Room room, Tenancy book, Slot asking, long needBytes) {
    long lendableBytes =
        Math.min(
            room.loanLeftAfterReadingBytes(book), room.freeAfterReadingBytes(book, asking, false));
    return new AskResult.Refused(
        AskResult.Cause.NOTHING_TO_LEND,
        ByteText.of(needBytes)
            + " more would be a loan, and only "
            + ByteText.of(Math.max(0, lendableBytes))
            + " can be lent now; the tenant's request is "
            + ByteText.of(book.share().requestBytes()));
  }
}
