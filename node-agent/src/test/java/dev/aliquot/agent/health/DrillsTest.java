package dev.aliquot.agent.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.nvml.PciAddress;
import org.junit.jupiter.api.Test;

class DrillsTest {
  private static final PciAddress ADDRESS = new PciAddress(0, 1, 0);

  private final Drills drills = new Drills();

  @Test
  void theWordsAreTheDrivers() {
    assertThat(Drills.words(ADDRESS, 31, 5, "Ch 1"))
        .isEqualTo("NVRM: Xid (PCI:0000:01:00): 31, pid=5, name=drill, Ch 1");
    assertThat(Drills.words(ADDRESS, 79, 0, "")).isEqualTo("NVRM: Xid (PCI:0000:01:00): 79");
  }

  @Test
  void aMarkCountsOnce() {
    String line = drills.marked("NVRM: x: y");
    assertThat(drills.wordsOf(line)).isEqualTo("NVRM: x: y");
    assertThat(drills.wordsOf(line)).as("somebody has read it in the log").isEmpty();
  }

  @Test
  void nobodyElsesLineIsADrill() {
    drills.marked("NVRM: x");
    for (String line :
        new String[] {"", "aliquot drill ", "aliquot drill : x", "aliquot drill 0: x", "NVRM: x"}) {
      assertThat(drills.wordsOf(line)).isEmpty();
    }
    assertThat(new Drills().wordsOf(drills.marked("NVRM: x"))).as("another agent's").isEmpty();
  }

  @Test
  void marksThatAreNeverSeenAreForgotten() {
    String first = drills.marked("NVRM: x");
    for (int i = 0; i < 64; i++) {
      drills.marked("NVRM: x");
    }
    assertThat(drills.wordsOf(first)).isEmpty();
  }
}
