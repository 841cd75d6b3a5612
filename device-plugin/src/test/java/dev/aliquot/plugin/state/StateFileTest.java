package dev.aliquot.plugin.state;

import static dev.aliquot.plugin.support.Eventually.soon;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.aliquot.plugin.count.Count;
import dev.aliquot.plugin.count.Counters;
import dev.aliquot.plugin.ledger.KeptGrant;
import dev.aliquot.plugin.ledger.Ledger;
import dev.aliquot.plugin.ledger.LedgerRules;
import dev.aliquot.plugin.node.Grant;
import dev.aliquot.plugin.node.PodContainer;
import dev.aliquot.plugin.placement.Placement;
import dev.aliquot.plugin.support.FakeNode;
import dev.aliquot.plugin.unit.GrantKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;
import java.util.SortedSet;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StateFileTest {
  @TempDir Path folder;

  @Test
  void whatIsWrittenIsReadAgain() throws Exception {
    StateFile file = new StateFile(folder.resolve("grants.json"));
    List<KeptGrant> grants =
        List.of(
            new KeptGrant(grant("GPU-1.00", "GPU-1.01"), null, true),
            new KeptGrant(
                grant("GPU-1.02"), new PodContainer("default", "a", "uid", "main"), false));

    assertThat(file.read()).isEmpty();
    file.write(grants);

    assertThat(file.read()).isEqualTo(grants);
    assertThat(folder.toFile().list()).containsExactly("grants.json");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "null",
        "[]",
        "{\"version\":2,\"grants\":[]}",
        "{\"version\":1,\"grants\":[{}]}",
        "{\"version\":1,\"grants\":[{\"ids\":[\"../../etc\"],\"devices\":[\"GPU-1\"]}]}",
        "{\"version\":1,\"grants\":[{\"ids\":[\"GPU-1.00\"],\"devices\":[]}]}",
      })
  void aFileThatCannotBeUnderstoodIsPutAside(String content) throws Exception {
    Path path = folder.resolve("grants.json");
    Files.writeString(path, content);

    assertThatThrownBy(() -> new StateFile(path).read())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("grants.json cannot be understood")
        .hasMessageContaining("learnt anew from the kubelet");
    assertThat(folder.toFile().list()).containsExactly("grants.json.unreadable");
    assertThat(new StateFile(path).read()).isEmpty();
  }

  @Test
  void aDiskThatTakesNothingHoldsNobodyUpAndIsTriedAgain() throws Exception {
    // A folder in the file's way: nobody can write there, root neither.
    Path path = folder.resolve("grants.json");
    Files.createDirectory(path);
    Files.createFile(path.resolve("in the way"));
    Ledger ledger = new Ledger("aliquot.dev/gpu-fraction", Placement.PACK, LedgerRules.DEFAULT);
    Counters counters = new Counters();
    try (StateWriter writer =
        new StateWriter(ledger, new StateFile(path), counters, Duration.ofMillis(20))) {
      ledger.allocate(
          List.of(FakeNode.uuid(0) + ".00"), FakeNode.devices(1, OptionalInt.empty()), 1);
      writer.changed();
      soon(() -> assertThat(counters.figures().of(Count.WRITE_FAILURES)).isGreaterThan(1));
      assertThat(writer.trouble()).isNotEmpty();

      Files.delete(path.resolve("in the way"));
      Files.delete(path);
      soon(() -> assertThat(writer.trouble()).isEmpty());
    }
    assertThat(new StateFile(path).read()).isEqualTo(ledger.grants());
  }

  @Test
  void whatIsInTheWayBesideItIsToldInASentenceToo() throws Exception {
    Path path = folder.resolve("grants.json");
    Path beside = folder.resolve(".grants.json.new");
    Files.createDirectory(beside);
    Files.createFile(beside.resolve("in the way"));

    assertThatThrownBy(() -> new StateFile(path).write(List.of()))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith(path + " cannot be written (")
        .hasMessageEndingWith("): make room on its file system, or make it writable");
  }

  private static Grant grant(String... ids) {
    SortedSet<String> sorted = new TreeSet<>(List.of(ids));
    return new Grant(GrantKey.of(sorted), sorted, List.of("GPU-1"), ids.length);
  }
}
