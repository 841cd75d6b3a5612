package dev.aliquot.agent.kmsg;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The log as a file: what drills, simulated nodes and operators with a text log have. */
class FileLogTest {
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
  void aFileIsFollowedAsItGrows() throws IOException {
    file.say("one");
    try (KernelLog log = follow(LogPosition.BEGINNING)) {
      heard.await("one");
      file.say("two");
      file.say("three");
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
    file.append("[    0.000000] Linux version 6.18\r\n\n");
    file.append(
        "3,1,2,-;pci 0000:06:00.0: lost\\x0athe link\n SUBSYSTEM=pci\n DEVICE=+pci:0000:06:00.0\n");
    file.append("Nov 29 17:32:02 host kernel: NVRM: Xid (PCI:0000:00:06): 43\n");
    file.append("12,2,3,-;a program's\n");
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
    file.append("6,1,2,-;NVRM: Xid (PCI:0000:00:06): 7");
    try (KernelLog _ = follow(LogPosition.BEGINNING)) {
      file.append("9, GPU has fallen");
      file.say("not yet");
      heard.await("NVRM: Xid (PCI:0000:00:06): 79, GPU has fallen6,0,1000,-;not yet");
    }
  }

  @Test
  void aPositionInWhatIsAnotherFileNowIsItsBeginning() throws IOException {
    file.say("old one");
    KernelLog log = follow(LogPosition.BEGINNING);
    try (log) {
      heard.await("old one");
    }
    Files.delete(file.path());
    file.say("new one");
    file.say("new two");
    try (KernelLog _ = follow(log.position())) {
      heard.await("old one", "new one", "new two");
    }
  }

  @Test
  void aFileThatIsCutIsReadFromItsBeginning() throws IOException {
    file.say("one");
    file.say("two");
    file.append("half");
    try (KernelLog _ = follow(LogPosition.BEGINNING)) {
      heard.await("one", "two");
      Files.writeString(file.path(), "");
      file.say("three");
      heard.await("one", "two", "three");
      // As long as before, and longer.
      Files.writeString(file.path(), "7,9,1002,-;other\n");
      heard.await("one", "two", "three", "other");
      Files.writeString(file.path(), "7,9,1002,-;more than\n7,10,1002,-;before\n");
      heard.await("one", "two", "three", "other", "more than", "before");
    }
  }

  @Test
  void aFileThatIsReplacedIsReadToItsEndAndThenTheNewOne() throws IOException {
    file.say("one");
    try (KernelLog _ = follow(LogPosition.BEGINNING)) {
      heard.await("one");
      file.say("two");
      file.append("half");
      Files.move(file.path(), folder.resolve("kmsg.1"));
      Path next = folder.resolve("next");
      Files.writeString(next, "6,0,5,-;three\n");
      Files.move(next, file.path(), StandardCopyOption.ATOMIC_MOVE);
      heard.await("one", "two", "three");
      assertThat(heard.lost()).as("the half line").isEqualTo(1);
    }
  }

  @Test
  void hugeAndBinaryLinesAreCutAndTheNextIsRead() throws IOException {
    file.append("x".repeat(1 << 20) + "\n");
    file.append("6,1,2,-;" + "\\x41".repeat(1 << 18) + "\n");
    StringBuilder binary = new StringBuilder();
    for (int i = 0; i < 1 << 16; i++) {
      binary.append((char) (i * 7 & 0xff));
    }
    file.append(binary + "\n");
    file.say("after");
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
          file.append(lines.substring(at, at + piece));
          at += piece;
        }
      }
      heard.await(texts.toArray(String[]::new));
    }
    assertThat(heard.lost()).isZero();
  }

  @Test
  void aBurstIsReadWholeInASmallHeap() throws IOException {
    int records = 100_000;
    String text = "x".repeat(700);
    try (Talker follower = FollowerProcess.start(file.path(), records)) {
      assertThat(follower.answer()).contains("there is no such file");
      try (BufferedWriter writer = Files.newBufferedWriter(file.path())) {
        for (int i = 0; i < records; i++) {
          writer.write("6," + i + ",1,-;" + text + "\n");
        }
      }
      assertThat(follower.answer()).isEqualTo("restored");
      assertThat(follower.answer()).isEqualTo("100000 records, 0 out of order");
    }
  }
}
