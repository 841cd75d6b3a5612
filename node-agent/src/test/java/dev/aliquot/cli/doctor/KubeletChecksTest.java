package dev.aliquot.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KubeletChecksTest {
  @TempDir private Path folder;

  @Test
  void aMachineThatIsNoNodeOfAClusterIsNotTalkedOf() {
    assertThat(KubeletChecks.finding(folder.resolve("none"))).isEmpty();
  }

  @Test
  void whatIsMissingIsNamedWithWhatToDo() throws Exception {
    assertThat(KubeletChecks.finding(folder).orElseThrow())
        .satisfies(finding -> assertThat(finding.state()).isEqualTo(Finding.State.LACK))
        .satisfies(
            finding -> assertThat(finding.found()).endsWith("no device-plugins/kubelet.sock"))
        .satisfies(finding -> assertThat(finding.advice()).contains("--kubelet-dir"));
    Files.createDirectory(folder.resolve("device-plugins"));
    Files.createFile(folder.resolve("device-plugins/kubelet.sock"));
    assertThat(KubeletChecks.finding(folder).orElseThrow().found())
        .endsWith("plugins_registry cannot be written");
    Files.createDirectory(folder.resolve("plugins_registry"));
    assertThat(KubeletChecks.finding(folder).orElseThrow().state()).isEqualTo(Finding.State.OK);
  }
}
