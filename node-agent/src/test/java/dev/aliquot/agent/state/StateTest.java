package dev.aliquot.agent.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.aliquot.ledger.Priority;
import dev.aliquot.linux.Identity;
import dev.aliquot.residency.SwapMode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StateTest {
  @TempDir Path directory;

  private static TenantRecord tenant(String id) {
    return new TenantRecord(
        id,
        "name",
        "ns",
        "pod",
        "c",
        Instant.parse("2026-01-02T03:04:05.678Z"),
        1000,
        100,
        42,
        4711,
        null,
        null,
        false,
        SwapMode.PREFERRED,
        Priority.HIGH,
        3,
        List.of(new TenantRecord.Grant("GPU-1", 10, 20)));
  }

  @Test
  void aRecordComesBackAsItWas() throws IOException {
    TenantRecords records = new TenantRecords(directory);
    records.save(tenant("t1"));
    records.save(tenant("t1").withRefusals(9));
    assertThat(records.load()).containsExactly(tenant("t1").withRefusals(9));
    records.delete("t1");
    records.delete("t1");
    assertThat(records.load()).isEmpty();
  }

  @Test
  void aRecordWithoutAPriorityIsOfNormalPriority() throws IOException {
    TenantRecords records = new TenantRecords(directory);
    records.save(tenant("t1"));
    without("\"priority\":\"HIGH\",");
    without("\"swapMode\":\"PREFERRED\",");
    assertThat(records.load()).extracting(TenantRecord::priority).containsExactly(Priority.NORMAL);
    assertThat(records.load()).extracting(TenantRecord::swap).containsExactly(SwapMode.ALLOWED);
  }

  @Test
  void aPodsRecordComesBackWithWhoItIs() throws IOException {
    TenantRecords records = new TenantRecords(directory);
    TenantRecord pods =
        tenant("t1")
            .withBinding(PodBinding.waiting("uid", 25))
            .withGrants(List.of(new TenantRecord.Grant("GPU-1", 5, 5)));
    records.save(pods);
    assertThat(records.load()).containsExactly(pods);
    records.save(pods.withBinding(PodBinding.waiting("", 25).to("uid", "container")));
    assertThat(records.load().getFirst().binding())
        .isEqualTo(new PodBinding("uid", "container", 25, false));
  }

  @Test
  void aRecordOfAnAgentThatKnewNoPodsIsNoPods() throws IOException {
    TenantRecords records = new TenantRecords(directory);
    records.save(tenant("t1"));
    without("\"binding\":null,");
    assertThat(records.load()).containsExactly(tenant("t1"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"name\":\"name\",", "\"uid\":1000,", "\"outlivesProcesses\":false,"})
  void aRecordWithoutWhatEveryAgentWroteIsPassedOver(String part) throws IOException {
    TenantRecords records = new TenantRecords(directory);
    records.save(tenant("t1"));
    without(part);
    assertThat(records.load()).isEmpty();
  }

  private void without(String part) throws IOException {
    Path file = directory.resolve("t1.json");
    String record = Files.readString(file);
    assertThat(record).contains(part);
    Files.writeString(file, record.replace(part, ""));
  }

  @Test
  void whatIsNoRecordIsPassedOver() throws IOException {
    TenantRecords records = new TenantRecords(directory);
    records.save(tenant("t1"));
    Files.writeString(directory.resolve("a.json"), "{");
    Files.writeString(directory.resolve("b.json"), "{\"id\":\"b\",\"created\":\"noon\"}");
    Files.copy(directory.resolve("t1.json"), directory.resolve("t2.json"));
    assertThat(records.load()).extracting(TenantRecord::id).containsExactly("t1");
  }

  @Test
  void oneAgentPerDirectory() throws IOException {
    Path file = directory.resolve("agent.lock");
    try (AgentLock first = AgentLock.take(file)) {
      assertThat(first).isNotNull();
      assertThatThrownBy(() -> AgentLock.take(file))
          .isInstanceOf(AgentLock.HeldException.class)
          .hasMessage(
              "another agent (pid %d) serves %s: stop it, or name another directory with --state-dir"
                  .formatted(ProcessHandle.current().pid(), directory));
    }
    AgentLock.take(file).close();
  }

  @Test
  void aDirectoryThatOthersCanWriteIsNotUsed() throws IOException {
    Path open = Files.createDirectory(directory.resolve("open"));
    Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThatThrownBy(() -> StateDir.prepare(open))
        .hasMessageContaining("can be written by others: run chmod go-w on it");
  }

  /** After the node has started again it is a container runtime that finds it missing. */
  @Test
  void nobodyElsePassesThroughTheFolderOfPodsWhoeverMadeIt() throws IOException {
    StateDir state = StateDir.prepare(directory);
    Files.setPosixFilePermissions(state.pods(), PosixFilePermissions.fromString("rwxr-xr-x"));
    assertThat(StateDir.prepare(directory).pods()).isEqualTo(state.pods());
    assertThat(Files.getPosixFilePermissions(state.pods()))
        .isEqualTo(PosixFilePermissions.fromString("rwx------"));
  }

  @Test
  void aFolderOfPodsThatIsALinkIsRefusedForContainersWouldNotBeKnown() throws IOException {
    Path elsewhere = Files.createDirectory(directory.resolve("elsewhere"));
    Path pods = Files.createSymbolicLink(directory.resolve("pods"), elsewhere);
    assertThatThrownBy(() -> StateDir.prepare(directory))
        .hasMessageStartingWith("the folder of pods " + pods + " is a link: remove it");
    Files.delete(elsewhere);
    assertThatThrownBy(() -> StateDir.prepare(directory))
        .as("into nowhere")
        .hasMessageContaining("is a link");
  }

  @Test
  void aFolderOfPodsThatIsAnotherUsersIsRefused() throws IOException {
    assumeTrue(Identity.effectiveUserId() == 0, "only root gives a folder away");
    Path pods = StateDir.prepare(directory).pods();
    Files.setAttribute(pods, "unix:uid", 12345);
    assertThatThrownBy(() -> StateDir.prepare(directory))
        .hasMessage(
            "the folder of pods %s belongs to user 12345, not to user 0: remove it while no pod uses it"
                .formatted(pods));
  }

  @Test
  void aPathTooLongForSocketsIsNamed() {
    Path deep = directory.resolve("x".repeat(80));
    assertThatThrownBy(() -> StateDir.prepare(deep))
        .hasMessageContaining("has too long a path for sockets");
  }

  @Test
  void whereAFileIsInTheWayIsSaid() throws IOException {
    Path file = Files.writeString(directory.resolve("file"), "");
    assertThatThrownBy(() -> StateDir.prepare(file.resolve("state")))
        .hasMessageContaining("cannot be made")
        .hasMessageContaining("--state-dir");
  }
}
