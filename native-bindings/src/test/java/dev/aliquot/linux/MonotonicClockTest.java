package dev.aliquot.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class MonotonicClockTest {
  @Test
  void itNeverGoesBackAndKnowsNoTimeBeforeBoot() throws Exception {
    Duration before = MonotonicClock.now();
    Duration after = MonotonicClock.now();
    // /proc/uptime counts suspension, too, and is cut to hundredths of a second.
    String uptime = Files.readString(Path.of("/proc/uptime")).split(" ", -1)[0];
    Duration atMost = Duration.ofMillis(Math.round(Double.parseDouble(uptime) * 1000) + 1000);
    assertThat(before).isPositive();
    assertThat(after).isGreaterThanOrEqualTo(before).isLessThanOrEqualTo(atMost);
  }
}
