package dev.aliquot.ledger;

import static org.assertj.core.api.Assertions.assertThat;

/** Two tenants on a device of 1600: one borrows, the other claims its own. */
abstract class LendingFixture {
  static final long DEMAND_AHEAD = 250;
  final DeviceBook device = new DeviceBook("GPU-1", 1600, DEMAND_AHEAD);
  final FakeSlots pagesA = new FakeSlots();
  final FakeSlots pagesB = new FakeSlots();
  final TenantBook a = open("a", new Share(400, 1600), pagesA);
  final TenantBook b = open("b", new Share(800, 1600), pagesB);

  private TenantBook open(String tenant, Share share, FakeSlots pages) {
    assertThat(device.admit(tenant, share)).isEqualTo(new Admission.Admitted());
    TenantBook book = device.open(tenant, pages);
    book.attach(0);
    return book;
  }

  void read() {
    for (TenantBook book : new TenantBook[] {a, b}) {
      book.beginReading();
    }
    for (TenantBook book : new TenantBook[] {a, b}) {
      book.endReading(book.overheadBytes());
    }
  }

  AskResult ask(TenantBook book, long wantedBytes) {
    AskResult result = book.ask(0, wantedBytes);
    if (result instanceof AskResult.AfterReading) {
      read();
      return book.ask(0, wantedBytes);
    }
    return result;
  }

  void aHolds(long bytes) {
    assertThat(ask(a, bytes)).isInstanceOf(AskResult.Granted.class);
    pagesA.holdMovable(0, bytes);
  }

  /** For so long who was granted something has not used it that it does without. */
  void grantsAreForgotten() {
    for (int look = 0; look < 20; look++) {
      device.checkDemands(Integer.MAX_VALUE);
    }
  }

  static AskResult.Refused refusal(AskResult result) {
    assertThat(result).isInstanceOf(AskResult.Refused.class);
    return (AskResult.Refused) result;
  }
}
