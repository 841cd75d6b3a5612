package dev.aliquot.agent.library;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SimulatedNodesTest {
  private static final String TWO = "devices=2,memory=1073741824,model=H100";
  private static final String ONE = "devices=1,memory=1073741824,model=L4";

  @TempDir private Path folder;

  private static String show(Path tool, Path node) throws Exception {
    Process show = new ProcessBuilder(tool.toString(), "show", node.toString()).start();
    String said = new String(show.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(show.waitFor()).isZero();
    return said;
  }

  @Test
  void aNodeIsMadeAnewWithOtherSettingsUnlessItHasTenants() throws Exception {
    Path node = folder.resolve("node");
    Path tool = new Libraries(folder.resolve("lib")).simulator(node, 580).tool();
    SimulatedNodes.provide(node, TWO, tool, false);
    String two = show(tool, node);
    assertThat(two).contains("H100").doesNotContain("L4");
    SimulatedNodes.provide(node, ONE, tool, true);
    assertThat(show(tool, node)).as("it has tenants").isEqualTo(two);
    SimulatedNodes.provide(node, ONE, tool, false);
    String one = show(tool, node);
    assertThat(one).contains("L4").doesNotContain("H100");
    Object made = Files.getLastModifiedTime(node.resolve("node"));
    SimulatedNodes.provide(node, ONE, tool, false);
    assertThat(Files.getLastModifiedTime(node.resolve("node"))).isEqualTo(made);
  }
}
