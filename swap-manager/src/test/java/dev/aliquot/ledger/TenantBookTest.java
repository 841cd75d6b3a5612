package dev.aliquot.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;

class TenantBookTest {
  private final FakeSlots pages = new FakeSlots();
  private final Map<Integer, Long> used = pages.used;
  private final Map<Integer, Long> published = pages.credit;
  private final TenantBook book = book(pages);

  /** A tenant that does not borrow, on a device with room for many. */
  private static TenantBook book(SlotPort port) {
    DeviceBook device = new DeviceBook("GPU-1", 1_000_000);
    device.admit("a", Share.fixed(1000));
    return device.open("a", port);
  }

  private static void read(TenantBook book, long overheadBytes) {
    book.beginReading();
    book.endReading(overheadBytes);
  }

  /** As the agent does it: what has to wait for ground truth is asked again after it. */
  private static AskResult ask(TenantBook book, int slot, long wantedBytes) {
    AskResult result = book.ask(slot, wantedBytes);
    if (result instanceof AskResult.AfterReading) {
      read(book, book.overheadBytes());
      return book.ask(slot, wantedBytes);
    }
    return result;
  }

  @Test
  void creditTakenBackWaitsForAReadingThatBeganAfterwards() {
    book.attach(0);
    book.attach(1);
    book.beginReading();
    assertThat(book.ask(1, 600)).isInstanceOf(AskResult.AfterReading.class);
    book.endReading(0);
    assertThat(book.ask(1, 600))
        .as("that reading began too early")
        .isInstanceOf(AskResult.AfterReading.class);
    read(book, 300);
    assertThat(book.ask(1, 600)).isInstanceOf(AskResult.AfterReading.class);
    read(book, 300);
    assertThat(book.ask(1, 600)).isInstanceOf(AskResult.Granted.class);
    assertThat(book.creditBytes() + book.overheadBytes()).isLessThanOrEqualTo(1000);
  }

  @Test
  void aRestoredBookGrantsNothingBeforeTheFirstReading() {
    book.restore(0, 100, 100, false, false);
    assertThat(book.ask(0, 100)).isEqualTo(new AskResult.Granted(100));
    assertThat(book.ask(0, 200)).isInstanceOf(AskResult.AfterReading.class);
    read(book, 300);
    assertThat(book.creditBytes(0)).isEqualTo(700);
  }

  @Test
  void aLoneProcessIsGrantedEverythingAhead() {
    book.attach(0);
    assertThat(published).containsEntry(0, 1000L);
    read(book, 300);
    assertThat(published).containsEntry(0, 700L);
    read(book, 100);
    assertThat(published).containsEntry(0, 900L);
  }

  @Test
  void aSiblingsUnusedCreditIsTakenBackWhenNeeded() {
    book.attach(0);
    used.put(0, 400L);
    book.attach(1);
    assertThat(book.creditBytes(1)).isZero();
    assertThat(ask(book, 1, 600)).isEqualTo(new AskResult.Granted(600));
    assertThat(published).containsEntry(0, 400L).containsEntry(1, 600L);
    assertThat(ask(book, 1, 601)).isInstanceOf(AskResult.Refused.class);
  }

  @Test
  void whatASiblingUsesIsNeverTaken() {
    book.attach(0);
    used.put(0, 1000L);
    book.attach(1);
    assertThat(ask(book, 1, 1)).isInstanceOf(AskResult.Refused.class);
    assertThat(published).containsEntry(0, 1000L);
  }

  @Test
  void aProcessThatUsesItsCreditWhileItIsTakenGetsItBack() {
    FakeSlots racing =
        new FakeSlots() {
          @Override
          public void writeCredit(int slot, long creditBytes) {
            if (slot == 0 && creditBytes < 1000) {
              used.put(0, creditBytes == 0 ? 0L : 900L);
            }
            super.writeCredit(slot, creditBytes);
          }
        };
    TenantBook racingBook = book(racing);
    racingBook.attach(0);
    racingBook.attach(1);
    assertThat(ask(racingBook, 1, 500)).isInstanceOf(AskResult.Refused.class);
    assertThat(racing.credit).containsEntry(0, 900L);
    assertThat(ask(racingBook, 1, 100)).isEqualTo(new AskResult.Granted(100));
  }

  @Test
  void anOverheadThatPassesTheLimitRefusesEverythingUntilItFits() {
    book.attach(0);
    used.put(0, 800L);
    read(book, 500);
    assertThat(published).containsEntry(0, 800L);
    assertThat(ask(book, 0, 801)).isInstanceOf(AskResult.Refused.class);
    assertThat(ask(book, 0, 800)).isEqualTo(new AskResult.Granted(800));
    used.put(0, 100L);
    read(book, 500);
    assertThat(ask(book, 0, 500)).isEqualTo(new AskResult.Granted(500));
  }

  @Test
  void aDeadProcessLeavesNothingBehind() {
    book.attach(0);
    book.attach(1);
    used.put(0, 1000L);
    book.detach(0);
    read(book, 0);
    assertThat(book.creditBytes(1)).isEqualTo(1000);
    book.detach(1);
    assertThat(book.creditBytes()).isZero();
    book.detach(7);
  }

  @Test
  void hostileNumbersAreRefused() {
    book.attach(0);
    assertThat(book.ask(0, -1)).isInstanceOf(AskResult.Refused.class);
    assertThat(book.ask(0, Long.MAX_VALUE)).isInstanceOf(AskResult.Refused.class);
    assertThat(book.ask(0, Long.MIN_VALUE)).isInstanceOf(AskResult.Refused.class);
    book.attach(1);
    used.put(0, -1L);
    assertThat(ask(book, 1, 1))
        .as("a claim of 2^64-1 holds on to its own credit, no more")
        .isInstanceOf(AskResult.Refused.class);
    used.put(0, 0L);
    assertThat(ask(book, 1, 1)).isInstanceOf(AskResult.Granted.class);
    assertThatThrownBy(() -> book.ask(9, 1)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aClosedBookGrantsNothingNew() {
    book.attach(0);
    used.put(0, 300L);
    book.close();
    assertThat(published).containsEntry(0, 300L);
    assertThat(book.ask(0, 300)).isEqualTo(new AskResult.Granted(300));
    assertThat(book.ask(0, 301)).isInstanceOf(AskResult.Closed.class);
    book.attach(1);
    assertThat(book.creditBytes(1)).isZero();
  }

  @Test
  void restoredCreditStandsAsFarAsItIsUsed() {
    used.put(0, 500L);
    used.put(1, 400L);
    book.restore(0, 700, 700, false, false);
    book.restore(1, 400, 400, false, false);
    assertThat(book.creditBytes()).isEqualTo(1000);
    assertThat(book.creditBytes(0)).isEqualTo(600);
  }
}
