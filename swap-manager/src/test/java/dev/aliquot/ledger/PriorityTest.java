package dev.aliquot.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.ledger.SwapPolicy.Leaver;
import dev.aliquot.ledger.SwapPolicy.Readiness;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Three tenants of different priorities on a device of 1600, each with a request of 400. */
class PriorityTest implements SwapPolicy {
  private final DeviceBook device = new DeviceBook("GPU-1", 1600);
  private final FakeSlots pagesLow = new FakeSlots();
  private final FakeSlots pagesNormal = new FakeSlots();
  private final FakeSlots pagesHigh = new FakeSlots();
  private final TenantBook low = open("low", pagesLow);
  private final TenantBook normal = open("normal", pagesNormal);
  private final TenantBook high = open("high", pagesHigh);
  private final Map<String, Readiness> readiness = new LinkedHashMap<>();
  private Priority priorityOfNormal = Priority.NORMAL;

  private TenantBook open(String tenant, FakeSlots pages) {
    assertThat(device.admit(tenant, new Share(400, 1600))).isEqualTo(new Admission.Admitted());
    TenantBook book = device.open(tenant, pages);
    book.attach(0);
    return book;
  }

  @BeforeEach
  void policy() {
    device.swapPolicy(this);
  }

  @Override
  public List<Leaver> leavers(String claimant) {
    return readiness.entrySet().stream()
        .map(each -> new Leaver(each.getKey(), each.getValue()))
        .toList();
  }

  @Override
  public Priority priority(String tenant) {
    return switch (tenant) {
      case "low" -> Priority.LOW;
      case "high" -> Priority.HIGH;
      default -> priorityOfNormal;
    };
  }

  @Override
  public boolean isActive(String tenant) {
    return true;
  }

  private void read() {
    List<TenantBook> books = List.of(low, normal, high);
    books.forEach(TenantBook::beginReading);
    books.forEach(book -> book.endReading(book.overheadBytes()));
  }

  private AskResult ask(TenantBook book, long wantedBytes) {
    AskResult result = book.ask(0, wantedBytes);
    while (result instanceof AskResult.AfterReading) {
      read();
      result = book.ask(0, wantedBytes);
    }
    return result;
  }

  private AskResult resume(TenantBook book, boolean whole) {
    AskResult result = book.resume(0, whole);
    while (result instanceof AskResult.AfterReading) {
      read();
      result = book.resume(0, whole);
    }
    return result;
  }

  private void waits(AskResult result) {
    assertThat(result).isInstanceOf(AskResult.MakingRoom.class);
  }

  private void granted(AskResult result) {
    assertThat(result).isInstanceOf(AskResult.Granted.class);
  }

  private void holds(TenantBook book, FakeSlots pages, long bytes) {
    granted(ask(book, bytes));
    pages.holdMovable(0, bytes);
  }

  private void isOut(TenantBook book, FakeSlots pages, long bytes) {
    holds(book, pages, bytes);
    book.leave(0);
    pages.park(0);
    read();
  }

  @Test
  void aLoanOfAHigherPriorityIsServedFirstThoughItCameLater() {
    holds(normal, pagesNormal, 1500);
    readiness.put("normal", Readiness.NOT_YET);
    waits(ask(low, 1000));
    waits(ask(high, 1000));
    pagesNormal.holdMovable(0, 500);
    waits(ask(low, 1000));
    granted(ask(high, 1000));
  }

  @Test
  void whatIsFreeIsNotKeptForALowerPriorityThatWaits() {
    holds(normal, pagesNormal, 900);
    holds(high, pagesHigh, 400);
    readiness.put("normal", Readiness.NOT_YET);
    waits(ask(low, 600));
    granted(ask(high, 500));
    pagesHigh.holdMovable(0, 500);
    waits(ask(low, 600));
    assertThat(ask(normal, 1000))
        .as("and is kept for it before a higher one has asked")
        .isInstanceOf(AskResult.Granted.class);
  }

  @Test
  void whoComesBackIsServedBeforeALoanOfALowerPriorityThatCameBefore() {
    isOut(high, pagesHigh, 1200);
    holds(normal, pagesNormal, 1200);
    readiness.put("normal", Readiness.NOT_YET);
    waits(ask(low, 1000));
    waits(resume(high, true));
    pagesNormal.holdMovable(0, 400);
    waits(ask(low, 1000));
    granted(resume(high, true));
  }

  @Test
  void guaranteedAsksAreServedInTheOrderTheyCameWhateverThePriority() {
    holds(normal, pagesNormal, 1600);
    waits(ask(low, 400));
    waits(ask(high, 400));
    pagesNormal.demote(0, 400);
    waits(ask(high, 400));
    granted(ask(low, 400));
  }

  @Test
  void aGuaranteedAskOfALowPriorityIsServedBeforeALoanOfAHighOne() {
    holds(normal, pagesNormal, 1200);
    holds(high, pagesHigh, 400);
    readiness.put("normal", Readiness.NOT_YET);
    waits(ask(high, 800));
    waits(ask(low, 400));
    assertThat(pagesNormal.resident).containsEntry(0, 800L);
    pagesNormal.demote(0, 400);
    waits(ask(high, 800));
    granted(ask(low, 400));
  }

  @Test
  void whatIsGuaranteedIsTakenFromALoanOfAHighPriority() {
    holds(high, pagesHigh, 1600);
    readiness.put("high", Readiness.WHEN_IDLE);
    waits(ask(low, 400));
    assertThat(pagesHigh.away).isEmpty();
    assertThat(pagesHigh.resident).containsEntry(0, 1200L);
  }

  @Test
  void whoWaitsLeavesForAHigherPriority() {
    holds(low, pagesLow, 700);
    holds(normal, pagesNormal, 800);
    readiness.put("low", Readiness.DUE);
    readiness.put("normal", Readiness.NOT_YET);
    waits(ask(low, 1200));
    waits(ask(high, 800));
    assertThat(pagesLow.away).containsExactly(0);
    assertThat(pagesNormal.away).isEmpty();
  }

  @Test
  void aLoanForWhichAHigherPriorityWouldHaveToStopIsRefusedAtOnce() {
    holds(high, pagesHigh, 1500);
    readiness.put("high", Readiness.WHEN_IDLE);
    assertThat(ask(low, 1000)).isInstanceOf(AskResult.Refused.class);
    assertThat(pagesHigh.away).isEmpty();
    readiness.put("high", Readiness.IDLE);
    waits(ask(low, 1000));
    assertThat(pagesHigh.away).containsExactly(0);
  }

  @Test
  void whoComesBackWaitsForAHigherPriorityToBecomeIdle() {
    isOut(low, pagesLow, 1500);
    holds(high, pagesHigh, 1500);
    readiness.put("high", Readiness.WHEN_IDLE);
    waits(resume(low, true));
    assertThat(pagesHigh.away).isEmpty();
    assertThat(pagesHigh.resident).as("nothing is demanded of it").doesNotContainKey(0);
    readiness.put("high", Readiness.IDLE);
    waits(resume(low, true));
    pagesHigh.park(0);
    granted(resume(low, true));
  }

  @Test
  void whoHasWaitedLongEnoughForAHigherPriorityHasWhatIsGuaranteed() {
    isOut(low, pagesLow, 1500);
    holds(high, pagesHigh, 1500);
    readiness.put("high", Readiness.WHEN_IDLE);
    waits(resume(low, true));
    waits(resume(low, false));
    assertThat(pagesHigh.resident).containsEntry(0, 1200L);
    pagesHigh.demote(0, 300);
    granted(resume(low, false));
    pagesLow.run(0);
    assertThat(pagesLow.usedBytes(0)).isEqualTo(400);
  }

  @Test
  void nobodyLeavesForWhoHasToWaitForAHigherPriorityBesides() {
    isOut(low, pagesLow, 1500);
    holds(high, pagesHigh, 700);
    holds(normal, pagesNormal, 700);
    readiness.put("normal", Readiness.IDLE);
    readiness.put("high", Readiness.WHEN_IDLE);
    waits(resume(low, true));
    assertThat(pagesNormal.away).isEmpty();
    readiness.put("high", Readiness.IDLE);
    waits(resume(low, true));
    assertThat(pagesNormal.away).containsExactly(0);
    assertThat(pagesHigh.away).containsExactly(0);
  }

  @Test
  void whoRunsAndMissesDataHoldsNobodyUpWhileAHigherPriorityWorks() {
    isOut(low, pagesLow, 1400);
    holds(high, pagesHigh, 1200);
    priorityOfNormal = Priority.LOW;
    readiness.put("high", Readiness.WHEN_IDLE);
    low.comeBack(0);
    look();
    pagesLow.run(0);
    low.returned(0);
    pagesHigh.holdMovable(0, 600);
    look();
    granted(ask(normal, 500));
    pagesNormal.holdMovable(0, 500);
    readiness.put("high", Readiness.IDLE);
    readiness.put("normal", Readiness.IDLE);
    look();
    assertThat(pagesHigh.away).containsExactly(0);
  }

  private void look() {
    device.reclaim();
    read();
    device.reclaim();
  }
}
