package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.deep.DeepDriver;
import dev.aliquot.agent.deep.Dive;
import dev.aliquot.agent.deep.Rise;
import dev.aliquot.agent.process.MemoryRoom;
import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.process.ProcessId;
import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.TenantGrant;
import dev.aliquot.cuda.CudaCheckpoint;
import dev.aliquot.cuda.CudaDriver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Real processes that leave a simulated device by the driver's checkpoint. One process can hold few
 * of the simulator's CUDA libraries, so all tests here share one node and with it one library.
 */
class DeepDriverTest extends BypassFixture {
  private static Path shared;

  private TenantGrant grant;
  private Path library;
  private DeepDriver deep;

  @BeforeAll
  static void makeShared() throws IOException {
    shared = Files.createTempDirectory("alq");
  }

  @AfterAll
  static void removeShared() throws IOException {
    try (var files = Files.walk(shared)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }

  @Override
  Path makeDirectory() {
    return shared;
  }

  @Override
  void removeDirectory(Path directory) {}

  @BeforeEach
  void makeDriver() throws AgentException {
    grant = grant("a", 4 * GIB);
    library = driver(grant);
    deep =
        new DeepDriver(
            library,
            ProcFs.system(),
            new MemoryRoom(Path.of("/proc"), Path.of("/sys/fs/cgroup")),
            Duration.ofMillis(500));
  }

  @AfterEach
  void endTenants() throws AgentException {
    endProcesses();
    deep.close();
    agent.endTenant(grant.id(), AgentFixture.peer(AgentFixture.ownPid()));
    Eventually.soon(() -> assertThat(agent.view().tenants()).isEmpty());
  }

  private static ProcessId id(Talker program) {
    return ProcFs.system().stat(program.pid()).orElseThrow().id();
  }

  private CudaCheckpoint.State state(Talker program) {
    return CudaDriver.open(library).checkpoint().orElseThrow().state(program.pid());
  }

  private long heldBytes() {
    return device().usedBytes();
  }

  private Talker holding(long bytes) {
    Talker program = bare(grant);
    assertThat(program.say("init")).isEqualTo(SUCCESS);
    assertThat(program.say("alloc " + bytes)).isEqualTo(SUCCESS);
    return program;
  }

  @Test
  void nothingIsLeftOnTheDeviceUntilTheProcessComesBack() {
    long beforeBytes = heldBytes();
    Talker program = holding(GIB);
    Eventually.soon(
        () -> assertThat(heldBytes()).isGreaterThanOrEqualTo(beforeBytes + GIB + CONTEXT));
    assertThat(deep.dive("a", id(program), 0).join()).isEqualTo(new Dive.Deep());
    assertThat(state(program)).isEqualTo(CudaCheckpoint.State.CHECKPOINTED);
    Eventually.soon(() -> assertThat(heldBytes()).isEqualTo(beforeBytes));
    program.tell("alloc " + GIB);
    assertThat(deep.look("a", id(program)).join()).isEqualTo(new Dive.Deep());
    assertThat(deep.rise("a", id(program)).join()).isEqualTo(new Rise.Restored());
    assertThat(program.answer()).as("what it had begun goes on").isEqualTo(SUCCESS);
    Eventually.soon(
        () -> assertThat(heldBytes()).isGreaterThanOrEqualTo(beforeBytes + 2 * GIB + CONTEXT));
  }

  @Test
  void aDeviceThatDoesNotComeToRestInTimeLeavesTheProcessUntouched() {
    Talker program =
        talk(
            Map.of("LD_LIBRARY_PATH", library.getParent().toString()),
            CProgram.of("working_tenant"));
    assertThat(program.say("init")).isEqualTo(SUCCESS);
    assertThat(program.say("grow " + (64 << 20))).startsWith(SUCCESS + " ");
    assertThat(program.say("work 4000")).isEqualTo(SUCCESS);
    Dive dive = deep.dive("a", id(program), 0).join();
    // between two kernels it is at rest
    while (dive instanceof Dive.Deep) {
      assertThat(deep.rise("a", id(program)).join()).isEqualTo(new Rise.Restored());
      dive = deep.dive("a", id(program), 0).join();
    }
    assertThat(dive)
        .isInstanceOfSatisfying(
            Dive.StaysHot.class,
            hot -> assertThat(hot.reason()).startsWith("cuCheckpointProcessLock failed"));
    assertThat(state(program)).isEqualTo(CudaCheckpoint.State.RUNNING);
    assertThat(program.say("rest")).isEqualTo(SUCCESS);
    assertThat(program.say("report")).endsWith(" 0");
  }

  @Test
  void aProcessThatHeldImportedMemoryIsSaidToBeLostAndKeepsNobodyWaiting() {
    Talker maker = holding(GIB);
    Talker importer = holding(GIB);
    assertThat(importer.say("open " + maker.say("export"))).isEqualTo(SUCCESS);
    assertThat(deep.dive("a", id(importer), 0).join()).isEqualTo(new Dive.Deep());
    assertThat(deep.rise("a", id(importer)).join()).isInstanceOf(Rise.Lost.class);
    assertThat(deep.dive("a", id(maker), 0).join()).isEqualTo(new Dive.Deep());
    assertThat(deep.rise("a", id(maker)).join()).isEqualTo(new Rise.Restored());
  }

  @Test
  void aProcessThatIsNoneOfCudasOrHasEndedIsNoTrouble() {
    Talker cat = talk(Map.of(), Path.of("/bin/cat"));
    assertThat(deep.dive("a", id(cat), 0).join()).isInstanceOf(Dive.StaysHot.class);
    Talker program = holding(GIB);
    ProcessId id = id(program);
    assertThat(deep.dive("a", id, 0).join()).isEqualTo(new Dive.Deep());
    program.kill();
    assertThat(deep.rise("a", id).join()).isEqualTo(new Rise.Gone());
    assertThat(deep.dive("a", id, 0).join()).isEqualTo(new Dive.Gone());
  }
}
