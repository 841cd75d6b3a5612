package dev.aliquot.plugin.kubelet;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.plugin.kubelet.StandInCheckpoint.Entry;
import dev.aliquot.plugin.pod.CheckpointEntry;
import dev.aliquot.plugin.proto.deviceplugin.ContainerAllocateResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointFileTest {
  private static final String RESOURCE = "aliquot.dev/gpu-fraction";

  @TempDir Path folder;

  @Test
  void entriesOfTheResourceAreReadWithTheDevicesThatWereTold() throws Exception {
    write();
    assertThat(new CheckpointFile(file(), RESOURCE).read())
        .containsExactly(
            new CheckpointEntry(
                "uid", "main", new TreeSet<>(List.of("GPU-1.00", "GPU-2.00")), List.of("GPU-1")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "[]",
        "null",
        "{\"Data\":17}",
        "{\"Data\":{\"PodDeviceEntries\":{}}}",
        "{\"Data\":{\"PodDeviceEntries\":[17,null,{}]}}",
      })
  void whatIsNoCheckpointIsAsIfItWereNotThere(String content) throws Exception {
    Files.writeString(file(), content);
    assertThat(new CheckpointFile(file(), RESOURCE).read()).isEmpty();
  }

  @Test
  void anAnswerThatCannotBeReadLeavesTheRest() throws Exception {
    write();
    Files.writeString(
        file(),
        Files.readString(file()).replaceAll("\"AllocResp\":\"[^\"]*\"", "\"AllocResp\":\"%%%\""));
    List<CheckpointEntry> entries = new CheckpointFile(file(), RESOURCE).read();
    assertThat(entries).hasSize(1);
    assertThat(entries.getFirst().devices()).isEmpty();
    assertThat(entries.getFirst().podUid()).isEqualTo("uid");
  }

  @Test
  void aFolderOrNothingInItsPlaceIsNoCheckpoint() throws Exception {
    assertThat(new CheckpointFile(file(), RESOURCE).read()).isEmpty();
    Files.createDirectory(file());
    assertThat(new CheckpointFile(file(), RESOURCE).read()).isEmpty();
  }

  @Test
  void noDamageToItIsMoreThanAnEmptyAnswer() throws Exception {
    write();
    byte[] whole = Files.readAllBytes(file());
    Random random = new Random(3);
    for (int i = 0; i < 500; i++) {
      byte[] damaged = java.util.Arrays.copyOf(whole, 1 + random.nextInt(whole.length));
      damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
      Files.write(file(), damaged);
      assertThat(new CheckpointFile(file(), RESOURCE).read()).hasSizeLessThanOrEqualTo(1);
    }
  }

  private void write() {
    ContainerAllocateResponse told =
        ContainerAllocateResponse.newBuilder()
            .putAnnotations(CheckpointEntry.DEVICES_ANNOTATION, "GPU-1")
            .build();
    new StandInCheckpoint(file())
        .write(
            List.of(
                new Entry(
                    "uid",
                    "main",
                    RESOURCE,
                    Map.of(
                        0,
                        new TreeSet<>(List.of("GPU-1.00")),
                        -1,
                        new TreeSet<>(List.of("GPU-2.00"))),
                    told),
                new Entry(
                    "uid",
                    "main",
                    "example.com/other",
                    Map.of(-1, new TreeSet<>(List.of("x"))),
                    told)),
            Map.of(RESOURCE, List.of("GPU-1.00")));
  }

  private Path file() {
    return folder.resolve("kubelet_internal_checkpoint");
  }
}
