package dev.aliquot.agent.kmsg;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RecordParserTest {
  private static final List<String> PIECES =
      List.of(
          "6",
          "14",
          ",",
          ";",
          "-",
          "c",
          "+",
          ",caller=T1",
          "\\x",
          "\\x0a",
          "\\",
          "\n",
          "é",
          "99999999999999999999",
          " K=v",
          "\0");

  private static Optional<KernelRecord> record(String bytes) {
    return RecordParser.record(bytes.getBytes(UTF_8), bytes.getBytes(UTF_8).length);
  }

  private static String text(String bytes) {
    return record(bytes).orElseThrow().text();
  }

  @Test
  void readsWhatTheDriverSays() {
    assertThat(
            record(
                "3,1207,155044078590,-;NVRM: Xid (PCI:0000:00:06): 43, pid=489, name=xid, channel"
                    + " 0x0000000a"))
        .contains(
            new KernelRecord(
                1207,
                155044078590L,
                0,
                3,
                "NVRM: Xid (PCI:0000:00:06): 43, pid=489, name=xid, channel 0x0000000a"));
    assertThat(
            text(
                "6,5,9,-;NVRM: Xid (PCI:0004:01:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus."))
        .isEqualTo(
            "NVRM: Xid (PCI:0004:01:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.");
  }

  @Test
  void knowsAProgramsRecordFromTheKernels() {
    KernelRecord forged = record("12,8,9,-;NVRM: Xid (PCI:0000:00:06): 79").orElseThrow();
    assertThat(forged.facility()).isEqualTo(1);
    assertThat(forged.level()).isEqualTo(4);
    assertThat(forged.isFromKernel()).isFalse();
    assertThat(record("4,8,9,-;x").orElseThrow().isFromKernel()).isTrue();
  }

  @Test
  void takesEscapesBack() {
    assertThat(text("6,1,2,-;two\\x0alines\\x09and a tab, \\x5cx41, \\xc3\\xa9"))
        .isEqualTo("two\nlines\tand a tab, \\x41, é");
    assertThat(text("6,1,2,-;\\x4")).isEqualTo("\\x4");
    assertThat(text("6,1,2,-;\\xzz\\x")).isEqualTo("\\xzz\\x");
    assertThat(text("6,1,2,-;\\xff")).isEqualTo("\ufffd");
  }

  @Test
  void aFragmentIsARecordAndNewFieldsAreNoTrouble() {
    assertThat(text("4,339,5140900,c;NET: Registered")).isEqualTo("NET: Registered");
    assertThat(text("4,340,5690716,+; protocol family 10")).isEqualTo(" protocol family 10");
    assertThat(text("6,341,6,-,caller=T1946;some;text")).isEqualTo("some;text");
    assertThat(text("6,341,6,;")).isEmpty();
  }

  @Test
  void aNumberThatIsTooLargeIsTheLargestAndNotTheKernels() {
    String nines = "9".repeat(400);
    assertThat(record(nines + "," + nines + "," + nines + ",-;x"))
        .contains(new KernelRecord(Long.MAX_VALUE, Long.MAX_VALUE, Integer.MAX_VALUE, 7, "x"));
    assertThat(record("9223372036854775807,9223372036854775808,0,-;x").orElseThrow().sequence())
        .isEqualTo(Long.MAX_VALUE);
    // A facility that would be 0 in 32 bits.
    assertThat(record("34359738368,1,1,-;x").orElseThrow().isFromKernel()).isFalse();
  }

  @Test
  void whatHasNoHeadIsNoRecord() {
    for (String bytes :
        new String[] {
          "",
          ",",
          ";",
          "6",
          "6,",
          "6,1",
          "6,1,2",
          "6,1,2,",
          "6,1,2,-",
          "6,1,2;x",
          "6,,2,-;x",
          "-6,1,2,-;x",
          " 6,1,2,-;x",
          "6,1,a,-;x",
          "[  1.0] NVRM: x"
        }) {
      assertThat(record(bytes)).as(bytes).isEmpty();
    }
  }

  @Test
  void aLineOfTextIsTheKernelsAsItStands() {
    byte[] line = "[ 130.456250] [ T1946] NVRM: \\x41\r".getBytes(UTF_8);
    assertThat(RecordParser.plain(line, line.length))
        .isEqualTo(new KernelRecord(-1, -1, 0, 6, "[ 130.456250] [ T1946] NVRM: \\x41"));
  }

  @Test
  void ofALongMessageTheBeginningIsKept() {
    assertThat(text("6,1,2,-;" + "x".repeat(1 << 20))).isEqualTo("x".repeat(8192));
    byte[] line = "y".repeat(20_000).getBytes(UTF_8);
    assertThat(RecordParser.plain(line, line.length).text()).isEqualTo("y".repeat(8192));
  }

  @FuzzTest(maxDuration = "10s")
  void anyBytesAreARecordOrNone(byte[] bytes) {
    check(bytes);
  }

  @Test
  void randomPiecesAreARecordOrNone() {
    Random random = new Random(20260101);
    for (int round = 0; round < 50_000; round++) {
      StringBuilder pieces = new StringBuilder(random.nextBoolean() ? "6,1,2,-;" : "");
      for (int piece = random.nextInt(12); piece >= 0; piece--) {
        pieces.append(PIECES.get(random.nextInt(PIECES.size())));
      }
      check(pieces.toString().getBytes(random.nextBoolean() ? UTF_8 : ISO_8859_1));
    }
  }

  private static void check(byte[] bytes) {
    for (int length : new int[] {bytes.length, bytes.length / 2}) {
      RecordParser.record(bytes, length)
          .ifPresent(
              record -> {
                assertThat(record.sequence()).isNotNegative();
                assertThat(record.sinceBootMicros()).isNotNegative();
                assertThat(record.facility()).isNotNegative();
                assertThat(record.level()).isBetween(0, 7);
                assertThat(record.text().length()).isLessThanOrEqualTo(length);
              });
      assertThat(RecordParser.plain(bytes, length).text().length()).isLessThanOrEqualTo(length);
    }
  }
}
