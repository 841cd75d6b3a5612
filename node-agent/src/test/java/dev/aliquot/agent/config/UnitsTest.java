package dev.aliquot.agent.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.quicktheories.QuickTheory.qt;
import static org.quicktheories.generators.SourceDSL.longs;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UnitsTest {

  @ParameterizedTest
  @CsvSource({
    "250ms, PT0.25S",
    "30s, PT30S",
    "1.5m, PT1M30S",
    "2h, PT2H",
    "0s, PT0S",
    "10 us, PT0.00001S",
    "5NS, PT0.000000005S"
  })
  void readsDurations(String text, Duration duration) {
    assertThat(Durations.parse(text)).isEqualTo(duration);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "30", "s", "-1s", "1d", "1 s s", "999999999999h", "1.s", "PT1S"})
  void refusesWhatIsNoDurationNamingIt(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Durations.parse(text))
        .withMessageContaining("'" + text + "'");
  }

  @Test
  void exactDurationIsReadBackAsTheSame() {
    qt().forAll(longs().between(0, 999_999_999_999L).map(Duration::ofNanos))
        .check(duration -> Durations.parse(Durations.exact(duration)).equals(duration));
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "25, 25", "25%, 25", "2.5 %, 2.5", "100, 100"})
  void readsPercentages(String text, double percent) {
    assertThat(Percent.parse(text)).isEqualTo(percent);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "%", "-1", "101", "100.1", "NaN", "1e1", "25%%", "quarter"})
  void refusesWhatIsNoPercentageNamingIt(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Percent.parse(text))
        .withMessageContaining("'" + text + "'");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "0.5", "12.5", "101", "-3", "", "all"})
  void aFractionOfADeviceIsAWholePercentage(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Percent.parseFraction(text))
        .withMessage("'" + text + "' is not a whole percentage of a device from 1 to 100");
  }
}
