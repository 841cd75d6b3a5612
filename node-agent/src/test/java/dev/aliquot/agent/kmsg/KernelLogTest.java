package dev.aliquot.agent.kmsg;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.Eventually;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The log as a file: what drills, simulated nodes and operators with a text log have. */
class KernelLogTest {
  private static final Duration PAUSE = Duration.ofMillis(20);

  @TempDir Path folder;
  private Path file;
  private final Heard heard = new Heard();
  private long written;

  @BeforeEach
  void file() {
    file = folder.resolve("kmsg");
  }

  private KernelLog follow(LogPosition from) {
    return KernelLog.follow(file, from, PAUSE, InstantSource.system(), heard);
  }

  /** Adds a record as the simulated node does. */
  private void say(String text) throws IOException {
    append("6,%d,%d,-;%s\n".formatted(written, 1000 + written, text));
    written++;
  }

  private void append(String bytes) throws IOException {
    Files.writeString(
        file, bytes, ISO_8859_1, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  @Test
  void aFileIsFollowedAsItGrows() throws IOException {
    say("one");
    try (KernelLog log = follow(LogPosition.BEGINNING)) {
      heard.await("one");
      say("two");
      say("three");
      heard.await("one", "two", "three");
      assertThat(heard.records().getLast()).isEqualTo(new KernelRecord(2, 1002, 0, 6, "three"));
      assertThat(log.isReadable()).isTrue();
      assertThat(log.recordsRead()).isEqualTo(3);
    }
    assertThat(heard.health()).isEmpty();
    assertThat(heard.lost()).isZero();
  }

  @Test
  void recordsOfASimulatedNodeAndLinesOfATextLogMayBeMixed() throws IOException {
    append("[    0.000000] Linux version 6.18\r\n\n");
    append(
        "3,1,2,-;pci 0000:06:00.0: lost\\x0athe link\n SUBSYSTEM=pci\n DEVICE=+pci:0000:06:00.0\n");
    append("Nov 29 17:32:02 host kernel: NVRM: Xid (PCI:0000:00:06): 43\n");
    append("12,2,3,-;a program's\n");
    try (KernelLog _ = follow(LogPosition.BEGINNING)) {
      heard.await(
          "[    0.000000] Linux version 6.18",
          "pci 0000:06:00.0: lost\nthe link",
          "Nov 29 17:32:02 host kernel: NVRM: Xid (PCI:0000:00:06): 43",
          "a program's");
    }
    assertThat(heard.records().stream().map(KernelRecord::isFromKernel))
        .containsExactly(true, true, true, false);
    assertThat(heard.records().getFirst().sequence()).isEqualTo(KernelRecord.UNKNOWN);
  }

  @Test
  void ofAHalfWrittenLineTheRestIsWaitedFor() throws IOException {
    append("6,1,2,-;NVRM: Xid (PCI:0000:00:06): 7");
    try (KernelLog _ = follow(LogPosition.BEGINNING)) {
      append("9, GPU has fallen");
      say("not yet");
      heard.await("NVRM: Xid (PCI:0000:00:06): 79, GPU has fallen6,0,1000,-;not yet");
    }
  }

  @Test
  void onlyNewRecordsAreHeardFromTheEnd() throws IOException {
    say("old");
    try (KernelLog log = follow(LogPosition.END)) {
      Eventually.soon(() -> assertThat(log.position()).isNotEqualTo(LogPosition.END));
      say("new");
      heard.await("new");
      assertThat(log.recordsRead()).isEqualTo(1);
    }
  }

  @Test
  void aFileThatIsNotThereYetIsAllNew() throws IOException {
    try (KernelLog log = follow(LogPosition.END)) {
      Eventually.soon(() -> assertThat(heard.health()).hasSize(1));
      assertThat(heard.health().getFirst()).contains(file.toString(), "there is no such file");
      assertThat(log.isReadable()).isFalse();
      say("one");
      heard.await("one");
      assertThat(log.isReadable()).isTrue();
    }
    assertThat(heard.health()).hasSize(2).last().isEqualTo("restored");
  }

  @Test
  void fromItsPositionNothingIsRepeatedOrLost() throws IOException {
    LogPosition position = LogPosition.BEGINNING;
    String[] all = new String[5];
    for (int round = 0; round < all.length; round++) {
      // The same text each time: only the place tells them apart.
      all[round] = "NVRM: Xid";
      say(all[round]);
      KernelLog log = follow(position);
      try (log) {
        int count = round + 1;
        Eventually.soon(() -> assertThat(heard.texts()).hasSize(count));
      }
      position = LogPosition.parse(log.position().text()).orElseThrow();
    }
    heard.await(all);
  }

  @Test
  void aPositionInWhatIsAnotherFileNowIsItsBeginning() throws IOException {
    say("old one");
    KernelLog log = follow(LogPosition.BEGINNING);
    try (log) {
      heard.await("old one");
    }
    Files.delete(file);
    say("new one");
    say("new two");
    try (KernelLog _ = follow(log.position())) {
      heard.await("old one", "new one", "new two");
    }
  }

  @Test
  void aFileThatIsCutIsReadFromItsBeginning() throws IOException {
    say("one");
    say("two");
    append("half");
    try (KernelLog log = follow(LogPosition.BEGINNING)) {
      heard.await("one", "two");
      Eventually.soon(() -> assertThat(log.isReadable()).isTrue());
      Files.writeString(file, "");
      say("three");
      heard.await("one", "two", "three");
      // As long as before, and longer.
      Files.writeString(file, "7,9,1002,-;other\n");
      heard.await("one", "two", "three", "other");
      Files.writeString(file, "7,9,1002,-;more than\n7,10,1002,-;before\n");
      heard.await("one", "two", "three", "other", "more than", "before");
    }
  }

  @Test
  void aFileThatIsReplacedIsReadToItsEndAndThenTheNewOne() throws IOException {
    say("one");
    try (KernelLog _ = follow(LogPosition.BEGINNING)) {
      heard.await("one");
      say("two");
      append("half");
      Files.move(file, folder.resolve("kmsg.1"));
      Path next = folder.resolve("next");
      Files.writeString(next, "6,0,5,-;three\n");
      Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
      heard.await("one", "two", "three");
      assertThat(heard.lost()).as("the half line").isEqualTo(1);
    }
  }

  @Test
  void aFolderInItsPlaceIsToldOnceAndTriedAgain() throws IOException {
    Files.createDirectory(file);
    try (KernelLog log = follow(LogPosition.BEGINNING)) {
      Eventually.soon(() -> assertThat(heard.health()).hasSize(1));
      assertThat(heard.health().getFirst()).endsWith("it is a folder");
      Thread.sleep(5 * PAUSE.toMillis());
      Files.delete(file);
      say("one");
      heard.await("one");
      assertThat(log.isReadable()).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    assertThat(heard.health().stream().distinct()).hasSameSizeAs(heard.health());
    assertThat(heard.health().getLast()).isEqualTo("restored");
  }

  @Test
  void whatIsNoLogIsToldOnce() {
    try (KernelLog log =
        KernelLog.follow(
            Path.of("/dev/null"), LogPosition.BEGINNING, PAUSE, InstantSource.system(), heard)) {
      Eventually.soon(() -> assertThat(heard.health()).hasSize(1));
      assertThat(heard.health().getFirst()).contains("/dev/null", "no kernel log");
      assertThat(log.isReadable()).isFalse();
    }
  }

  @Test
  void hugeAndBinaryLinesAreCutAndTheNextIsRead() throws IOException {
    append("x".repeat(1 << 20) + "\n");
    append("6,1,2,-;" + "\\x41".repeat(1 << 18) + "\n");
    StringBuilder binary = new StringBuilder();
    for (int i = 0; i < 1 << 16; i++) {
      binary.append((char) (i * 7 & 0xff));
    }
    append(binary + "\n");
    say("after");
    try (KernelLog _ = follow(LogPosition.BEGINNING)) {
      Eventually.soon(() -> assertThat(heard.texts()).last().isEqualTo("after"));
    }
    assertThat(heard.texts()).startsWith("x".repeat(8192), "A".repeat(8192));
    assertThat(heard.texts()).allMatch(text -> text.length() <= 8192);
  }

  @Test
  void linesWrittenInAnyPiecesAreTheSame() throws IOException {
    Random random = new Random(20260101);
    List<String> texts = new ArrayList<>();
    try (KernelLog _ = follow(LogPosition.BEGINNING)) {
      for (int round = 0; round < 50; round++) {
        StringBuilder lines = new StringBuilder();
        for (int line = random.nextInt(20); line >= 0; line--) {
          texts.add(round + " " + line + "x".repeat(random.nextInt(300)));
          lines.append("6,%d,1,-;%s\n".formatted(texts.size(), texts.getLast()));
        }
        for (int at = 0; at < lines.length(); ) {
          int piece = Math.min(1 + random.nextInt(1500), lines.length() - at);
          append(lines.substring(at, at + piece));
          at += piece;
        }
      }
      heard.await(texts.toArray(String[]::new));
    }
    assertThat(heard.lost()).isZero();
  }

  @Test
  void aListenerThatFailsHearsTheNextRecord() throws IOException {
    say("one");
    say("two");
    Heard failing =
        new Heard() {
          @Override
          public void record(KernelRecord record, Instant time) {
            super.record(record, time);
            throw new IllegalStateException("on purpose");
          }
        };
    try (KernelLog _ =
        KernelLog.follow(file, LogPosition.BEGINNING, PAUSE, InstantSource.system(), failing)) {
      failing.await("one", "two");
    }
  }

  @Test
  void closingEndsAWaitAndNothingIsHeardAfterwards() throws IOException {
    KernelLog absent =
        KernelLog.follow(
            folder.resolve("none"),
            LogPosition.BEGINNING,
            Duration.ofDays(1),
            InstantSource.system(),
            heard);
    Eventually.soon(() -> assertThat(heard.health()).hasSize(1));
    absent.close();
    say("one");
    KernelLog log = follow(LogPosition.BEGINNING);
    heard.await("one");
    log.close();
    log.close();
    assertThat(log.isReadable()).isFalse();
    say("two");
    heard.await("one");
  }

  @Test
  void aDeviceThatFailsIsOpenedAnewAndNothingIsRepeated() {
    ScriptedDevice device =
        new ScriptedDevice()
            .says(7, "one")
            .says(8, "two")
            .gives(new IOException("the disk of the log burns"))
            .says(7, "one")
            .says(8, "two")
            .gives(Device.OVERWRITTEN)
            .says(20, "three");
    try (KernelLog log =
        new KernelLog(
                file,
                from -> new DeviceSource(device, "boot", from),
                LogPosition.BEGINNING,
                PAUSE,
                InstantSource.system(),
                heard)
            .start()) {
      heard.await("one", "two", "three");
      assertThat(heard.health()).hasSize(2).last().isEqualTo("restored");
      assertThat(heard.health().getFirst()).contains("burns");
      assertThat(heard.lost()).isEqualTo(11);
      assertThat(log.recordsLost()).isEqualTo(11);
      Eventually.soon(() -> assertThat(log.position()).isEqualTo(new LogPosition("boot", 21)));
    }
  }

  @Test
  void itMayBeClosedByItsListener() throws Exception {
    say("one");
    say("two");
    CompletableFuture<KernelLog> made = new CompletableFuture<>();
    CountDownLatch closed = new CountDownLatch(1);
    Heard closing =
        new Heard() {
          @Override
          public void record(KernelRecord record, Instant time) {
            super.record(record, time);
            made.join().close();
            closed.countDown();
          }
        };
    made.complete(
        KernelLog.follow(file, LogPosition.BEGINNING, PAUSE, InstantSource.system(), closing));
    assertThat(closed.await(60, TimeUnit.SECONDS)).isTrue();
    Eventually.soon(() -> assertThat(made.join().isReadable()).isFalse());
    assertThat(closing.texts()).containsExactly("one");
  }
}
