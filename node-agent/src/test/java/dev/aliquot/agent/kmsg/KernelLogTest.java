package dev.aliquot.agent.kmsg;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.Eventually;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What it tells its listener of itself, and where it goes on. */
class KernelLogTest {
  private static final Duration PAUSE = Duration.ofMillis(20);

  @TempDir Path folder;
  private GrowingFile file;
  private final Heard heard = new Heard();

  @BeforeEach
  void file() {
    file = new GrowingFile(folder.resolve("kmsg"));
  }

  private KernelLog follow(LogPosition from) {
    return KernelLog.follow(file.path(), from, PAUSE, InstantSource.system(), heard);
  }

  @Test
  void onlyNewRecordsAreHeardFromTheEnd() throws IOException {
    file.say("old");
    try (KernelLog log = follow(LogPosition.END)) {
      Eventually.soon(() -> assertThat(log.position()).isNotEqualTo(LogPosition.END));
      file.say("new");
      heard.await("new");
      assertThat(log.recordsRead()).isEqualTo(1);
    }
  }

  @Test
  void aFileThatIsNotThereYetIsAllNew() throws IOException {
    try (KernelLog log = follow(LogPosition.END)) {
      Eventually.soon(() -> assertThat(heard.health()).hasSize(1));
      assertThat(heard.health().getFirst())
          .contains(file.path().toString(), "there is no such file");
      assertThat(log.isReadable()).isFalse();
      assertThat(log.position()).isEqualTo(LogPosition.BEGINNING);
      file.say("one");
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
      file.say(all[round]);
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
  void aFolderInItsPlaceIsToldOnceAndTriedAgain() throws Exception {
    Files.createDirectory(file.path());
    try (KernelLog log = follow(LogPosition.BEGINNING)) {
      Eventually.soon(() -> assertThat(heard.health()).hasSize(1));
      assertThat(heard.health().getFirst()).endsWith("it is a folder");
      Thread.sleep(5 * PAUSE.toMillis());
      Files.delete(file.path());
      file.say("one");
      heard.await("one");
      assertThat(log.isReadable()).isTrue();
    }
    assertThat(heard.health().stream().distinct()).hasSameSizeAs(heard.health());
    assertThat(heard.health().getLast()).isEqualTo("restored");
  }

  @Test
  void whatIsNoLogIsToldOnce() throws Exception {
    try (KernelLog log =
        KernelLog.follow(
            Path.of("/dev/null"), LogPosition.BEGINNING, PAUSE, InstantSource.system(), heard)) {
      Eventually.soon(() -> assertThat(heard.health()).hasSize(1));
      // It is opened again and again meanwhile.
      Thread.sleep(5 * PAUSE.toMillis());
      assertThat(heard.health()).hasSize(1);
      assertThat(heard.health().getFirst()).contains("/dev/null", "no kernel log");
      assertThat(log.isReadable()).isFalse();
    }
  }

  @Test
  void aListenerThatFailsHearsTheNextRecord() throws IOException {
    file.say("one");
    file.say("two");
    Heard failing =
        new Heard() {
          @Override
          public void record(KernelRecord record, Instant time) {
            super.record(record, time);
            throw new IllegalStateException("on purpose");
          }
        };
    try (KernelLog _ =
        KernelLog.follow(
            file.path(), LogPosition.BEGINNING, PAUSE, InstantSource.system(), failing)) {
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
    file.say("one");
    KernelLog log = follow(LogPosition.BEGINNING);
    heard.await("one");
    log.close();
    log.close();
    assertThat(log.isReadable()).isFalse();
    file.say("two");
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
                file.path(),
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
    file.say("one");
    file.say("two");
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
        KernelLog.follow(
            file.path(), LogPosition.BEGINNING, PAUSE, InstantSource.system(), closing));
    assertThat(closed.await(60, TimeUnit.SECONDS)).isTrue();
    Eventually.soon(() -> assertThat(made.join().isReadable()).isFalse());
    assertThat(closing.texts()).containsExactly("one");
  }
}
