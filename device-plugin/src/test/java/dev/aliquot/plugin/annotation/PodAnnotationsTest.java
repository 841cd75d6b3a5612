package dev.aliquot.plugin.annotation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.quicktheories.QuickTheory.qt;
import static org.quicktheories.generators.SourceDSL.integers;
import static org.quicktheories.generators.SourceDSL.lists;
import static org.quicktheories.generators.SourceDSL.longs;
import static org.quicktheories.generators.SourceDSL.strings;

import dev.aliquot.ledger.Priority;
import dev.aliquot.ledger.Share;
import dev.aliquot.residency.SwapMode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A device of 80 GiB, of which the container's resource is for a quarter: 20 GiB. */
class PodAnnotationsTest {
  private static final long GIB = 1L << 30;
  private static final long CAPACITY = 80 * GIB;

  private final PodAnnotations reader = new PodAnnotations("aliquot.dev");

  private Terms read(String... namesAndValues) {
    Map<String, String> annotations = new HashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      annotations.put(namesAndValues[i], namesAndValues[i + 1]);
    }
    return reader.read(annotations, "main", CAPACITY, 25);
  }

  private static void assertShare(Terms terms, long requestGib, long limitGib) {
    assertThat(terms.share()).isEqualTo(new Share(requestGib * GIB, limitGib * GIB));
  }

  @Test
  void withoutAnnotationsTheUnitsAreBothRequestAndLimit() {
    Terms terms = read("other/name", "x");
    assertShare(terms, 20, 20);
    assertThat(terms.swap()).isNull();
    assertThat(terms.priority()).isEqualTo(Priority.NORMAL);
    assertThat(terms.complaints()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "aliquot.dev/gpu-memory, 5GiB, 5, 5",
    "aliquot.dev/gpu-memory, 5Gi, 5, 5",
    "aliquot.dev/gpu-memory, 5368709120, 5, 5",
    "aliquot.dev/gpu-memory.main, 5120MiB, 5, 5",
    "aliquot.dev/gpu-memory-limit, 40GiB, 20, 40",
    "aliquot.dev/gpu-memory-limit.main, 40 GiB, 20, 40",
    "aliquot.dev/gpu-fraction-limit, 50, 20, 40",
    "aliquot.dev/gpu-fraction-limit, 50%, 20, 40",
    "aliquot.dev/gpu-fraction-limit, 0.5, 20, 40",
    "aliquot.dev/gpu-fraction-limit.main, 100, 20, 80",
    // KAI's and Run:ai's
    "gpu-memory, 5120, 5, 5",
    "gpu-memory, 5Gi, 5, 5",
    "gpu-fraction, 0.125, 10, 10",
    "gpu-fraction-limit, 0.5, 20, 40",
    "gpu-fraction-limit, 1, 20, 80",
    "gpu-fraction-limit, 1.0, 20, 80",
    "nvidia.com/container.main.gpu-memory.request, 5120, 5, 5",
    "nvidia.com/container.main.gpu-memory.limit, 40960, 20, 40",
    // another container's
    "aliquot.dev/gpu-memory.side, 5GiB, 20, 20",
    "nvidia.com/container.side.gpu-memory.request, 5120, 20, 20",
  })
  void eachSpellingMeansTheSame(String name, String value, long requestGib, long limitGib) {
    Terms terms = read(name, value);
    assertShare(terms, requestGib, limitGib);
    assertThat(terms.complaints()).isEmpty();
  }

  @Test
  void aLimitIsKeptBesideARequest() {
    assertShare(read("aliquot.dev/gpu-memory", "5GiB", "gpu-fraction-limit", "1"), 5, 80);
  }

  @Test
  void theContainersOwnGoBeforeThePodsWithoutAComplaint() {
    Terms terms =
        read(
            "aliquot.dev/gpu-memory", "5GiB",
            "aliquot.dev/gpu-memory.main", "8GiB",
            "aliquot.dev/gpu-fraction-limit", "100",
            "aliquot.dev/gpu-memory-limit.main", "16GiB",
            "aliquot.dev/swap", "never",
            "aliquot.dev/swap.main", "preferred");
    assertShare(terms, 8, 16);
    assertThat(terms.swap()).isEqualTo(SwapMode.PREFERRED);
    assertThat(terms.complaints()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"never, NEVER", "allowed, ALLOWED", "preferred, PREFERRED"})
  void swapIsOneOfThree(String text, SwapMode mode) {
    assertThat(read("aliquot.dev/swap", text).swap()).isEqualTo(mode);
  }

  @ParameterizedTest
  @CsvSource({"low, LOW", "normal, NORMAL", "high, HIGH"})
  void priorityIsOneOfThree(String text, Priority priority) {
    assertThat(read("aliquot.dev/priority", text).priority()).isEqualTo(priority);
  }

  @Test
  void ofTwoThatDifferTheSmallerCounts() {
    Terms terms = read("aliquot.dev/gpu-memory", "8GiB", "gpu-memory", "4096");
    assertShare(terms, 4, 4);
    assertThat(terms.complaints())
        .containsExactly(
            "aliquot.dev/gpu-memory and gpu-memory differ: the smaller one counts, gpu-memory");
    terms = read("aliquot.dev/gpu-memory-limit", "60GiB", "aliquot.dev/gpu-fraction-limit", "50");
    assertShare(terms, 20, 40);
    assertThat(terms.complaints()).hasSize(1);
    assertThat(read("gpu-memory", "20480", "gpu-fraction", "0.25").complaints())
        .as("they say the same")
        .isEmpty();
  }

  @Test
  void aRequestBeyondTheUnitsIsCutToThem() {
    Terms terms = read("aliquot.dev/gpu-memory", "30GiB");
    assertShare(terms, 20, 20);
    assertThat(terms.complaints())
        .containsExactly(
            "aliquot.dev/gpu-memory asks for 30 GiB, and the container's resource is for 25 % of a"
                + " device, 20 GiB: it gets that; ask for more of the resource");
  }

  @Test
  void aLimitBelowTheRequestIsTheRequest() {
    Terms terms = read("aliquot.dev/gpu-memory-limit", "10GiB");
    assertShare(terms, 20, 20);
    assertThat(terms.complaints())
        .containsExactly(
            "aliquot.dev/gpu-memory-limit is 10 GiB, less than the request of 20 GiB: the request"
                + " is the limit");
  }

  @Test
  void aLimitBeyondTheDeviceIsTheDevice() {
    Terms terms = read("aliquot.dev/gpu-memory-limit", "100GiB");
    assertShare(terms, 20, 80);
    assertThat(terms.complaints()).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "x",
        "-1",
        "0",
        "0GiB",
        "1e9",
        "5 GiBs",
        "5m",
        "NaN",
        "5GiB 5GiB",
        "+5Gi",
        "5,5Gi",
        "0.0000001",
        "99999999999999999999Ti",
        "٥Gi",
        "5Gi\n\u001b[31m",
        "0x10",
      })
  void whatIsNoSizeIsLeftOutWithAWord(String value) {
    for (String name : List.of("aliquot.dev/gpu-memory", "aliquot.dev/gpu-memory-limit")) {
      Terms terms = read(name, value);
      assertShare(terms, 20, 20);
      assertThat(terms.complaints()).hasSize(1);
      assertThat(terms.complaints().getFirst())
          .startsWith(name + " is '")
          .endsWith("not a size such as 4GiB: it is left out")
          .doesNotContain("\n")
          .doesNotContain("\u001b");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "0", "101", "1000", "-5", "0.0", "1.5", "50 %", "half", "1/2"})
  void whatIsNoPercentageIsLeftOutWithAWord(String value) {
    Terms terms = read("aliquot.dev/gpu-fraction-limit", value);
    assertShare(terms, 20, 20);
    assertThat(terms.complaints()).hasSize(1);
  }

  @Test
  void whatIsNoChoiceIsLeftOutWithAWord() {
    Terms terms = read("aliquot.dev/swap", "sometimes", "aliquot.dev/priority", "HIGHEST");
    assertThat(terms.swap()).isNull();
    assertThat(terms.priority()).isEqualTo(Priority.NORMAL);
    assertThat(terms.complaints())
        .containsExactly(
            "aliquot.dev/swap is 'sometimes', not one of never, allowed, preferred: it is left out",
            "aliquot.dev/priority is 'HIGHEST', not one of low, normal, high: it is left out");
  }

  @Test
  void aMisspeltNameIsTold() {
    assertThat(read("aliquot.dev/gpu-memroy", "5GiB").complaints().getFirst())
        .startsWith("'aliquot.dev/gpu-memroy' is no annotation that is known");
  }

  @Test
  void thePrefixIsConfigurable() {
    Terms terms =
        new PodAnnotations("gpu.example.org")
            .read(
                Map.of("gpu.example.org/gpu-memory", "5GiB", "aliquot.dev/gpu-memory", "1GiB"),
                "main",
                CAPACITY,
                25);
    assertShare(terms, 5, 5);
  }

  @Test
  void tenMebibytesOfAnnotationsAreReadAtOnceAndLittleIsSaid() {
    Map<String, String> annotations = new HashMap<>();
    annotations.put("aliquot.dev/gpu-memory", "9".repeat(10 << 20));
    annotations.put("aliquot.dev/gpu-memory-limit", "(".repeat(10 << 20));
    annotations.put("aliquot.dev/" + "x".repeat(1 << 20), "1");
    for (int i = 0; i < 10_000; i++) {
      annotations.put("aliquot.dev/no-" + i, "x");
    }
    Terms terms = reader.read(annotations, "main", CAPACITY, 25);
    assertShare(terms, 20, 20);
    assertThat(terms.complaints()).hasSize(8).allMatch(sentence -> sentence.length() < 300);
  }

  /** Names that count with values of every kind: no exception, and the bounds hold. */
  @Test
  void whateverTheySayTheBoundsHold() {
    List<String> names =
        List.of(
            "aliquot.dev/gpu-memory",
            "aliquot.dev/gpu-memory.main",
            "aliquot.dev/gpu-memory-limit",
            "aliquot.dev/gpu-memory-limit.main",
            "aliquot.dev/gpu-fraction-limit",
            "aliquot.dev/gpu-fraction-limit.main",
            "aliquot.dev/swap",
            "aliquot.dev/priority.main",
            "gpu-fraction",
            "gpu-memory",
            "gpu-fraction-limit",
            "nvidia.com/container.main.gpu-memory.request",
            "nvidia.com/container.main.gpu-memory.limit");
    List<String> values =
        List.of(
            "1",
            "0",
            "-1",
            "0.5",
            "0.001",
            "1.0",
            "2",
            "50",
            "50%",
            "100",
            "1GiB",
            "30Gi",
            "500Gi",
            "4096",
            "9223372036854775807",
            "18446744073709551616",
            "1Ti",
            "never",
            "high",
            "",
            "\0");
    qt().forAll(
            lists().of(integers().between(0, names.size() * values.size() - 1)).ofSizeBetween(0, 8),
            longs().between(1L << 24, 1L << 45),
            integers().between(1, 100),
            strings().allPossible().ofLengthBetween(0, 30))
        .checkAssert(
            (picks, capacity, units, any) -> {
              Map<String, String> annotations = new HashMap<>();
              for (int pick : picks) {
                annotations.put(names.get(pick % names.size()), values.get(pick / names.size()));
              }
              annotations.put(names.get(units % names.size()), any);
              Terms terms = reader.read(annotations, "main", capacity, units);
              Share share = terms.share();
              assertThat(share.requestBytes())
                  .isLessThanOrEqualTo(PodAnnotations.unitsBytes(capacity, units));
              assertThat(share.limitBytes()).isBetween(share.requestBytes(), capacity);
              assertThat(terms.complaints()).hasSizeLessThanOrEqualTo(8);
            });
  }
}
