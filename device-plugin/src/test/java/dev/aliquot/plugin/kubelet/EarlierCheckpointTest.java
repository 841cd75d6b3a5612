package dev.aliquot.plugin.kubelet;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.plugin.PluginOptions;
import dev.aliquot.plugin.pod.CheckpointEntry;
import dev.aliquot.plugin.support.FakeNode;
import dev.aliquot.plugin.support.KubeletNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The kubelet keeps a plugin's answers for as long as a pod lives, over any upgrade of the plugin:
 * checkpoint-0.1.0.json in the test's resources holds one of version 0.1.0, which stays as it is.
 * That of another version is made by it, with the name in {@link #KEPT} changed:
 *
 * <pre>
 * mvn -pl device-plugin -am test -Dtest=EarlierCheckpointTest -Dsurefire.failIfNoSpecifiedTests=false
 *   -Daliquot.test.args=-Daliquot.state.write=true
 * </pre>
 */
class EarlierCheckpointTest {
  private static final Path KEPT =
      Path.of("src/test/resources/dev/aliquot/plugin/kubelet/checkpoint-0.1.0.json");

  @TempDir private Path folder;

  private static List<CheckpointEntry> read(Path file) {
    return new CheckpointFile(file, PluginOptions.RESOURCE).read();
  }

  private static void assertIsOfAQuarter(List<CheckpointEntry> entries) {
    assertThat(entries).hasSize(1);
    CheckpointEntry entry = entries.getFirst();
    assertThat(entry.podUid()).hasSize(36);
    assertThat(entry.container()).isEqualTo("main");
    assertThat(entry.ids()).hasSize(25).allMatch(id -> id.startsWith(FakeNode.uuid(0) + "."));
    assertThat(entry.devices()).containsExactly(FakeNode.uuid(0));
  }

  @Test
  void whatAnEarlierPluginAnsweredSaysWhichDeviceAContainerHas() {
    assertIsOfAQuarter(read(KEPT));
  }

  @Test
  void whatANewerKubeletKeepsBesidesIsLeftAlone() throws Exception {
    String text = Files.readString(KEPT);
    String more = text.replaceAll("\"(Data|PodUID)\":", "\"OfTomorrow\":{\"x\":[1]},$0");
    assertThat(more).isNotEqualTo(text);
    assertIsOfAQuarter(read(Files.writeString(folder.resolve("checkpoint"), more)));
  }

  @Test
  void thisPluginAnswersTheSame() throws Exception {
    try (KubeletNode node = KubeletNode.start(1, StandInBehaviour.NORMAL)) {
      node.awaitUnits(100);
      assertThat(node.kubelet().addPod(PodSpec.of("a", 25)).isAdmitted()).isTrue();
      Path now = new KubeletPaths(node.options().kubelet(), PluginOptions.RESOURCE).checkpoint();
      assertIsOfAQuarter(read(now));
      if (Boolean.getBoolean("aliquot.state.write")) {
        Files.createDirectories(KEPT.getParent());
        Files.writeString(KEPT, Files.readString(now) + "\n");
      }
    }
  }
}
