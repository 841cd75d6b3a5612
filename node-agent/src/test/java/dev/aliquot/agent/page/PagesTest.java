package dev.aliquot.agent.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PagesTest {
  @TempDir Path directory;

  @Test
  void aSlotChangesItsGenerationWithEveryHand() throws IOException {
    try (ControlPage page = ControlPage.create(directory.resolve("control"))) {
      long first = page.take(3, 100, 7, 55);
      page.creditBytes(3, 2, 4096);
      page.residentBytes(3, 2, 2048);
      page.hostBytes(3, 1024);
      assertThat(page.residentBytes(3, 2)).isEqualTo(2048);
      assertThat(page.occupant(3)).isEqualTo(new ControlPage.Occupant(100, 7, 55, first));
      assertThat(first % 2).isEqualTo(1);
      page.free(3);
      assertThat(page.occupant(3).hostPid()).isZero();
      assertThat(page.occupant(3).generation() % 2).isZero();
      long second = page.take(3, 101, 8, 56);
      assertThat(second).isGreaterThan(first).isOdd();
      assertThat(page.creditBytes(3, 2)).as("nothing of the one before").isZero();
      assertThat(page.residentBytes(3, 2)).isEqualTo(ControlPage.RESIDENT_ALL);
      assertThat(page.hostBytes(3)).isZero();
    }
  }

  @Test
  void aLaterAgentReadsWhatAnEarlierOneWrote() throws IOException {
    Path file = directory.resolve("control");
    try (ControlPage page = ControlPage.create(file)) {
      page.device(1, "GPU-1", 10, 20);
      page.overhead(1, 5, 2);
      page.state(ControlPage.State.READY);
    }
    try (ControlPage page = ControlPage.open(file)) {
      assertThat(page.overheadBytes(1)).isEqualTo(5);
      assertThat(page.state()).isEqualTo(ControlPage.State.READY);
    }
    assertThat(Files.size(file)).isEqualTo(PageLayout.CONTROL_PAGE_BYTES);
  }

  @Test
  void everySlotIsAtItsPlaceInTheFile() throws IOException {
    Path file = directory.resolve("control");
    try (ControlPage page = ControlPage.create(file)) {
      for (int slot = 0; slot < PageLayout.MAX_SLOTS; slot++) {
        page.take(slot, 1000 + slot, 1, 1);
        page.creditBytes(slot, PageLayout.MAX_DEVICES - 1, 5000 + slot);
        page.wake(slot);
      }
    }
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    for (int slot = 0; slot < PageLayout.MAX_SLOTS; slot++) {
      int at = (int) PageLayout.slot(slot);
      assertThat(bytes.getInt(at + (int) PageLayout.SLOT_HOST_PID)).isEqualTo(1000 + slot);
      assertThat(bytes.getInt(at + (int) PageLayout.SLOT_WAKE)).isEqualTo(1);
      assertThat(bytes.getLong((int) PageLayout.credit(slot, PageLayout.MAX_DEVICES - 1)))
          .isEqualTo(5000 + slot);
    }
  }

  @Test
  void whatIsNoControlPageIsNotOpened() throws IOException {
    Path file = directory.resolve("control");
    Files.write(file, new byte[PageLayout.CONTROL_PAGE_BYTES]);
    assertThatThrownBy(() -> ControlPage.open(file))
        .hasMessageContaining("is no control page of version 1");
    Files.write(file, new byte[10]);
    assertThatThrownBy(() -> ControlPage.open(file))
        .hasMessageContaining("has 10 bytes instead of 266240");
    assertThatThrownBy(() -> ControlPage.open(directory)).hasMessageContaining("is no file");
    assertThatThrownBy(() -> UsagePage.open(directory.resolve("none")))
        .hasMessageContaining("is no file");
  }

  @Test
  void namesThatDoNotFitAreRefused() throws IOException {
    try (ControlPage page = ControlPage.create(directory.resolve("control"))) {
      assertThatThrownBy(() -> page.tenant("x".repeat(64))).hasMessageContaining("at most 63 fit");
      page.tenant("x".repeat(63));
    }
  }

  @Test
  void aUsagePageCutShortReadsAsNothing() throws IOException {
    Path file = directory.resolve("usage");
    try (UsagePage page = UsagePage.create(file);
        FileChannel tenant = FileChannel.open(file, StandardOpenOption.WRITE)) {
      tenant.truncate(0);
      assertThat(page.report(511).isOf(1)).isFalse();
      assertThat(page.usedBytes(5, 3)).isZero();
      page.clear(511);
      assertThat(page.report(511).changes()).isZero();
    }
  }

  @Test
  void aUsagePageOfNonsenseIsReadAsWhatItIs() throws IOException {
    Path file = directory.resolve("usage");
    byte[] nonsense = new byte[PageLayout.USAGE_PAGE_BYTES];
    Arrays.fill(nonsense, (byte) 0xff);
    Files.write(file, nonsense);
    try (UsagePage page = UsagePage.open(file)) {
      assertThat(page.report(0).isOf(-1)).as("not attached").isFalse();
      assertThat(page.usedBytes(0, 15)).isEqualTo(-1);
      assertThatThrownBy(() -> page.usedBytes(512, 0))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> page.usedBytes(0, 16)).isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  void whatIsPinnedIsReadByReasonAndDeviceWhateverTheWordsSay() throws IOException {
    Path file = directory.resolve("usage");
    try (UsagePage page = UsagePage.create(file)) {
      UsageWriter process = new UsageWriter(file, 3);
      process.pin(0, PinReason.SHARED.code(), 0, PageLayout.PIN_BYTES_MASK);
      process.pin(1, PinReason.SHARED.code(), 0, PageLayout.PIN_BYTES_MASK);
      process.pin(2, PinReason.RDMA.code(), 0, 3);
      process.pin(3, PinReason.RDMA.code(), 0, 4);
      process.pin(4, PinReason.HOST.code(), 2, 5);
      process.pin(5, PinReason.HOST.code(), 0, 0);
      process.pin(6, 99, 0, 6);
      process.pin(7, PinReason.OPENED.code(), 255, 7);
      UsageReport report = page.report(3);
      assertThat(report.pinned(0, 1000))
          .isEqualTo(Map.of(PinReason.SHARED, 1000L, PinReason.RDMA, 7L));
      assertThat(report.pinned(2, 1000)).isEqualTo(Map.of(PinReason.HOST, 5L));
      assertThat(report.pinned(1, 1000)).isEmpty();
      assertThat(page.report(4).pinned(0, 1000)).isEmpty();
    }
  }
}
