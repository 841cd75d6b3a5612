package dev.aliquot.agent.kmsg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.linux.DeviceFile;
import dev.aliquot.linux.LinuxException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The machine's own kernel log, where this user may read it. */
class KmsgTest {
  private static final Path KMSG = Path.of("/dev/kmsg");

  private final Heard heard = new Heard();

  @BeforeEach
  void mayRead() {
    String reason = "";
    try {
      DeviceFile.open(KMSG).close();
    } catch (LinuxException e) {
      reason = e.getMessage();
    }
    assumeThat(reason).isEmpty();
  }

  private KernelLog follow(LogPosition from) {
    return KernelLog.follow(KMSG, from, Duration.ofSeconds(1), InstantSource.system(), heard);
  }

  /** Ended by a newline: without one the kernel keeps it back until the next record. */
  private static String writtenMarker() {
    String marker = "aliquot-test-" + UUID.randomUUID();
    try {
      assumeThat(Files.readString(Path.of("/proc/sys/kernel/printk_devkmsg")).strip())
          .as("the kernel takes what programs write")
          .isNotEqualTo("off");
      Files.writeString(KMSG, marker + " two\nlines\n", StandardOpenOption.WRITE);
    } catch (IOException e) {
      assumeThat(e.toString()).as("this user may write to it").isEmpty();
    }
    return marker;
  }

  private KernelRecord heardMarker(String marker) {
    Eventually.soon(() -> assertThat(heard.texts()).anyMatch(text -> text.contains(marker)));
    return heard.records().stream()
        .filter(r -> r.text().contains(marker))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void theWholeLogIsReadInOrder() {
    try (KernelLog log = follow(LogPosition.BEGINNING)) {
      Eventually.soon(() -> assertThat(log.recordsRead()).isGreaterThan(10));
      assertThat(log.isReadable()).isTrue();
      assertThat(log.recordsLost()).isZero();
    }
    List<KernelRecord> records = heard.records();
    assertThat(records).isSortedAccordingTo((a, b) -> Long.compare(a.sequence(), b.sequence()));
    assertThat(records).anyMatch(KernelRecord::isFromKernel);
    assertThat(heard.health()).isEmpty();
  }

  @Test
  void aRecordIsHeardWhenItIsWrittenAndIsKnownAsAPrograms() {
    try (KernelLog log = follow(LogPosition.END)) {
      Eventually.soon(() -> assertThat(log.position()).isNotEqualTo(LogPosition.END));
      Instant before = Instant.now();
      KernelRecord record = heardMarker(writtenMarker());
      assertThat(record.text()).endsWith(" two\nlines");
      assertThat(record.facility()).isEqualTo(1);
      Instant time = heard.times().get(heard.records().indexOf(record));
      assertThat(time).isBetween(before.minusSeconds(60), Instant.now());
    }
  }

  @Test
  void whatWasWrittenMeanwhileIsReadOnceFromThePosition() {
    String first = writtenMarker();
    KernelLog log = follow(LogPosition.BEGINNING);
    try (log) {
      heardMarker(first);
    }
    String second = writtenMarker();
    try (KernelLog _ = follow(log.position())) {
      heardMarker(second);
    }
    assertThat(heard.texts().stream().filter(text -> text.contains(first))).hasSize(1);
    assertThat(heard.records().stream().map(KernelRecord::sequence)).doesNotHaveDuplicates();
    assertThat(heard.lost()).isZero();
  }

  @Test
  void whileNothingIsWrittenItCanBeClosed() {
    KernelLog log = follow(LogPosition.BEGINNING);
    heardMarker(writtenMarker());
    log.close();
    assertThat(log.isReadable()).isFalse();
  }

  @Test
  void withoutTheCapabilityTheReasonSaysWhatIsMissing() throws Exception {
    assumeThat(Files.readString(Path.of("/proc/sys/kernel/dmesg_restrict"))).startsWith("1");
    assumeThat(Path.of("/usr/bin/setpriv")).isExecutable();
    String[] setpriv = {"/usr/bin/setpriv", "--bounding-set", "-syslog,-sys_admin"};
    Process works = new ProcessBuilder(setpriv[0], setpriv[1], setpriv[2], "true").start();
    assumeThat(works.waitFor()).as("this user may drop capabilities").isZero();
    try (Talker follower = FollowerProcess.start(KMSG, 1, setpriv)) {
      assertThat(follower.answer()).contains("/dev/kmsg", "CAP_SYSLOG", "kernel.dmesg_restrict");
    }
  }
}
