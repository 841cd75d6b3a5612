package dev.aliquot.agent.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.quicktheories.QuickTheory.qt;
import static org.quicktheories.generators.SourceDSL.integers;
import static org.quicktheories.generators.SourceDSL.longs;
import static org.quicktheories.generators.SourceDSL.strings;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteSizeTest {

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "1048576, 1048576",
    "100B, 100",
    "4GiB, 4294967296",
    "4Gi, 4294967296",
    "4gib, 4294967296",
    "4 GiB, 4294967296",
    "4GB, 4000000000",
    "4G, 4000000000",
    "512Mi, 536870912",
    "512MiB, 536870912",
    "512M, 512000000",
    "7k, 7000",
    "7KiB, 7168",
    "2TiB, 2199023255552",
    "1.5GiB, 1610612736",
    "0.1KiB, 102",
    "8388607TiB, 9223370937343148032"
  })
  void readsSizesAsPeopleWriteThem(String text, long bytes) {
    assertThat(ByteSize.parse(text)).isEqualTo(bytes);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "GiB",
        "-1",
        "-1GiB",
        "+1GiB",
        "4QiB",
        "4 4GiB",
        "1,5GiB",
        "1e3",
        "0x10",
        "4GiBB",
        "4bb",
        "1.GiB",
        ".5GiB",
        "8388608TiB",
        "9223372036854775808",
        "99999999999999999999999999999GiB",
        "NaN",
        "4GiB;",
        "４GiB"
      })
  void refusesWhatIsNoSizeNamingIt(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ByteSize.parse(text))
        .withMessageContaining("'" + text + "'")
        .matches(e -> !e.getMessage().contains("\n"), "one line");
  }

  @Test
  void exactTextIsReadBackAsTheSameSize() {
    qt().forAll(longs().between(0, Long.MAX_VALUE))
        .check(bytes -> ByteSize.parse(ByteSize.exact(bytes)) == bytes);
  }

  @Test
  void everyUnitIsAMultipleOfItsPower() {
    List<String> binary = List.of("", "Ki", "Mi", "Gi", "Ti");
    List<String> decimal = List.of("", "k", "M", "G", "T");
    qt().forAll(integers().between(0, 1_000_000), integers().between(0, 4))
        .check(
            (count, unit) ->
                ByteSize.parse(count + binary.get(unit)) == count * (1L << (10 * unit))
                    && ByteSize.parse(count + decimal.get(unit))
                        == count * (long) Math.pow(1000, unit));
  }

  @Test
  void garbageIsASizeOrOneClearRefusal() {
    qt().withExamples(2000)
        .forAll(strings().basicMultilingualPlaneAlphabet().ofLengthBetween(0, 40))
        .check(
            text -> {
              try {
                return ByteSize.parse(text) >= 0;
              } catch (IllegalArgumentException e) {
                return e.getMessage().contains("'" + text + "'");
              }
            });
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0 B",
    "1023, 1023 B",
    "1024, 1.0 KiB",
    "641728512, 612 MiB",
    "4294967296, 4.0 GiB",
    "85899345920, 80.0 GiB"
  })
  void shortTextHasAboutThreeDigits(long bytes, String text) {
    assertThat(ByteSize.shortText(bytes)).isEqualTo(text);
  }
}
