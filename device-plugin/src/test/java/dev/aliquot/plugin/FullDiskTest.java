package dev.aliquot.plugin;

import static dev.aliquot.plugin.support.Eventually.soon;
import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.plugin.count.Count;
import dev.aliquot.plugin.kubelet.PodSpec;
import dev.aliquot.plugin.kubelet.StandInBehaviour;
import dev.aliquot.plugin.ledger.KeptGrant;
import dev.aliquot.plugin.state.StateFile;
import dev.aliquot.plugin.support.KubeletNode;
import dev.aliquot.plugin.support.SmallDisk;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The file system that the ledger is written to is full. */
class FullDiskTest {
  private SmallDisk disk;
  private Path file;

  @BeforeEach
  void mount() throws Exception {
    disk = SmallDisk.mount();
    file = disk.folder().resolve("grants.json");
  }

  @AfterEach
  void unmount() throws Exception {
    if (disk != null) {
      disk.close();
    }
  }

  /** With a page left, the first part of what is written finds room. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void podsAreServedTheOldFileStaysWholeAndItIsWrittenOnceThereIsRoom(int freePages)
      throws Exception {
    try (KubeletNode node =
        KubeletNode.start(2, StandInBehaviour.NORMAL, options -> writtenTo(file, options))) {
      node.awaitUnits(200);
      start(node, "before", 60);
      soon(() -> assertThat(written()).isEqualTo(node.plugin().view().grants()).hasSize(1));
      byte[] old = Files.readAllBytes(file);

      disk.fill(freePages);
      start(node, "meanwhile", 70);

      soon(
          () ->
              assertThat(node.plugin().view().stateTrouble())
                  .isEqualTo(
                      file
                          + " cannot be written (No space left on device): make room on its file"
                          + " system, or make it writable"));
      assertThat(node.plugin().view().figures().of(Count.WRITE_FAILURES)).isPositive();
      assertThat(file).hasBinaryContent(old);
      soon(
          () ->
              assertThat(disk.folder().toFile().list())
                  .containsExactlyInAnyOrder("ballast", "grants.json"));

      List<KeptGrant> known = node.plugin().view().grants();
      assertThat(known).hasSize(2);
      node.stopPlugin();
      assertThat(file).hasBinaryContent(old);
      node.startPlugin();
      node.awaitUnits(200);
      assertThat(node.plugin().view().grants()).containsExactlyInAnyOrderElementsOf(known);
      node.kubelet().endContainer("meanwhile", "main");
      assertThat(node.kubelet().startContainer("meanwhile", "main").error()).isEmpty();
      soon(() -> assertThat(node.plugin().view().stateTrouble()).contains("No space left"));

      disk.makeRoom();
      soon(() -> assertThat(node.plugin().view().stateTrouble()).isEmpty());
      assertThat(written()).containsExactlyInAnyOrderElementsOf(known);
    }
  }

  /** A pod, whose processes use what it has. */
  private static void start(KubeletNode node, String pod, int units) {
    assertThat(node.kubelet().addPod(PodSpec.of(pod, units)).isAdmitted()).isTrue();
    var start = node.kubelet().startPod(pod);
    assertThat(start.error()).isEmpty();
    node.fake().inUse.add(start.given().getEnvsOrThrow("ALIQUOT_GRANT"));
  }

  private List<KeptGrant> written() throws Exception {
    return new StateFile(file).read();
  }

  private static PluginOptions writtenTo(Path file, PluginOptions options) {
    return new PluginOptions(
        options.kubelet(),
        options.resource(),
        options.placement(),
        file,
        options.reconcile(),
        options.registration(),
        options.ledger());
  }
}
