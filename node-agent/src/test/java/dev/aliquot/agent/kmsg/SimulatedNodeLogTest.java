package dev.aliquot.agent.kmsg;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.library.Libraries;
import dev.aliquot.agent.library.SimulatedNodes;
import dev.aliquot.agent.support.Eventually;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The kernel log of a simulated node, as drills write to it. */
class SimulatedNodeLogTest {
  @TempDir Path folder;

  @Test
  void whatADrillInjectsIsHeardInOrder() throws Exception {
    Path node = folder.resolve("node");
    Path tool = new Libraries(folder.resolve("lib")).simulator(node, 580).tool();
    SimulatedNodes.provide(node, "devices=1", tool, false);
    Heard heard = new Heard();
    Instant before = Instant.now();
    try (KernelLog _ =
        KernelLog.follow(
            node.resolve("kmsg"),
            LogPosition.BEGINNING,
            Duration.ofMillis(20),
            InstantSource.system(),
            heard)) {
      Process xid =
          new ProcessBuilder(
                  tool.toString(), "xid", node.toString(), "--device", "0", "--code", "79")
              .inheritIO()
              .start();
      assertThat(xid.waitFor()).isZero();
      String bus = "0000:06:00";
      Eventually.soon(() -> assertThat(heard.texts()).hasSize(3));
      assertThat(heard.texts().get(0)).startsWith("NVRM: GPU at PCI:" + bus + ": GPU-");
      assertThat(heard.texts().get(1))
          .isEqualTo("NVRM: Xid (PCI:" + bus + "): 79, GPU has fallen off the bus.");
      assertThat(heard.texts().get(2))
          .isEqualTo("NVRM: GPU " + bus + ".0: GPU has fallen off the bus.");
    }
    assertThat(heard.records()).allMatch(KernelRecord::isFromKernel);
    assertThat(heard.health()).isEmpty();
    assertThat(heard.times())
        .allSatisfy(time -> assertThat(time).isBetween(before.minusSeconds(1), Instant.now()));
  }
}
