package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.TenantGrant;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * Legacy IPC handles of movable memory, which the agent carries between a tenant's processes; under
 * the real agent, in this process.
 */
class IpcHandlesTest extends AgentFixture {
  private static final long BYTES = 136 * MIB;
  private static final String INVALID_VALUE = "1";

  /** Begins a handle of the library's own. */
  private static final String OWN = "414c515348415245";

  private static String shared(Talker maker, long bytes) {
    assertThat(maker.say("alloc " + bytes)).isEqualTo(SUCCESS);
    String handle = maker.say("export");
    assertThat(handle).hasSize(128).startsWith(OWN);
    return handle;
  }

  /** Descriptors of memory that the agent has. */
  private static int kept() throws IOException {
    int count = 0;
    try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path each : all) {
        count += isMemory(each) ? 1 : 0;
      }
    }
    return count;
  }

  private static boolean isMemory(Path link) {
    try {
      String name = Files.readSymbolicLink(link).toString();
      return name.startsWith("/memfd:aliquot-sim-chunk") || name.startsWith("/memfd:raw-tenant");
    } catch (IOException e) {
      return false; // closed meanwhile
    }
  }

  private static void keeps(int descriptors) {
    Eventually.soon(() -> assertThat(kept()).isEqualTo(descriptors));
  }

  private void becomes(String tenant, long bytes) {
    Eventually.soon(
        () -> {
          assertThat(view(tenant).usedBytes()).isEqualTo(bytes);
          assertThat(view(tenant).groundTruthBytes()).isEqualTo(bytes);
        });
  }

  @Test
  void withinATenantMemoryIsOpenedAndChargedOnce() throws Exception {
    TenantGrant grant = grant("pair", 2 * GIB, 4 * GIB);
    Talker maker = cudaReady(grant);
    Talker holder = cudaReady(grant);
    int before = kept();
    String handle = shared(maker, BYTES);
    assertThat(kept()).isEqualTo(before + 3);
    assertThat(maker.say("export")).isEqualTo(handle);
    assertThat(holder.say("open " + handle)).isEqualTo(SUCCESS);
    becomes("pair", BYTES + 2 * CONTEXT);
    assertThat(holder.say("close")).isEqualTo(SUCCESS);
    assertThat(maker.say("free")).isEqualTo(SUCCESS);
    keeps(before);
    becomes("pair", 2 * CONTEXT);
    assertThat(holder.say("open " + handle)).isEqualTo(INVALID_VALUE);
  }

  @Test
  void anotherTenantOpensNothing() throws Exception {
    Talker maker = cudaReady(grant("maker", 2 * GIB, 4 * GIB));
    Talker other = cudaReady(grant("other", 2 * GIB, 4 * GIB));
    assertThat(other.say("open " + shared(maker, BYTES))).isEqualTo(INVALID_VALUE);
    assertThat(other.say("alloc " + BYTES)).isEqualTo(SUCCESS);
  }

  @Test
  void whatIsOpenOutlivesItsMakerAndIsChargedToItsHolder() throws Exception {
    TenantGrant grant = grant("widow", 2 * GIB, 4 * GIB);
    Talker maker = cudaReady(grant);
    Talker holder = cudaReady(grant);
    int before = kept();
    String handle = shared(maker, BYTES);
    assertThat(holder.say("open " + handle)).isEqualTo(SUCCESS);
    maker.kill();
    keeps(before);
    becomes("widow", BYTES + CONTEXT);
    assertThat(cudaReady(grant).say("open " + handle)).isEqualTo(INVALID_VALUE);
    assertThat(holder.say("close")).isEqualTo(SUCCESS);
    becomes("widow", 2 * CONTEXT);
  }

  @Test
  void afterARestartOfTheAgentWhatIsOpenStaysAndNothingElseIsOpened() throws Exception {
    TenantGrant grant = grant("pair", 2 * GIB, 4 * GIB);
    Talker maker = cudaReady(grant);
    Talker holder = cudaReady(grant);
    Talker late = cudaReady(grant);
    int before = kept();
    String handle = shared(maker, BYTES);
    assertThat(holder.say("open " + handle)).isEqualTo(SUCCESS);
    restartAgent();
    keeps(before);
    assertThat(late.say("open " + handle)).isEqualTo(INVALID_VALUE);
    becomes("pair", BYTES + 3 * CONTEXT);
    assertThat(holder.say("close")).isEqualTo(SUCCESS);
    assertThat(maker.say("free")).isEqualTo(SUCCESS);
    assertThat(late.say("open " + shared(maker, BYTES))).isEqualTo(SUCCESS);
  }

  @Test
  void nothingIsKeptOfATenantThatHasEnded() throws Exception {
    Talker maker = cudaReady(grant("short", 2 * GIB, 4 * GIB));
    int before = kept();
    shared(maker, BYTES);
    end("short");
    maker.kill();
    keeps(before);
  }

  @Test
  void whatAHostileProcessSaysIsRefusedInASentence() throws Exception {
    TenantGrant grant = grant("hostile", GIB);
    Talker hostile = raw(grant);
    Talker neighbour = raw(grant);
    assertThat(hostile.say("hello")).startsWith("welcome ");
    assertThat(neighbour.say("hello")).startsWith("welcome ");
    int before = kept();
    assertThat(hostile.say("share 77 1")).startsWith("refused 11 ").contains("EBADF");
    assertThat(hostile.say("share 4294967295 1")).startsWith("refused 11 ");
    assertThat(hostile.say("share 0 1")).as("a pipe").startsWith("refused 11 this descriptor");
    String memory = hostile.say("memory");
    assertThat(hostile.say("share " + memory + " 0")).startsWith("refused 11 a share has");
    assertThat(hostile.say("share " + memory + " 4097")).startsWith("refused 11 a share has");
    assertThat(hostile.say("open 5 0")).startsWith("refused 11 ");
    keeps(before);
    String shared = hostile.say("share " + memory + " 1");
    assertThat(shared).startsWith("shared ");
    String id = shared.split(" ")[1];
    assertThat(neighbour.say("open " + id + " 0")).isEqualTo("shared " + id + " and a descriptor");
    assertThat(neighbour.say("open " + id + " 1")).startsWith("refused 11 ");
    assertThat(neighbour.say("unshare " + id)).startsWith("refused 11 ");
    assertThat(hostile.say("unshare " + id)).isEqualTo("granted 0");
    assertThat(hostile.say("unshare " + id)).startsWith("refused 11 ");
    assertThat(hostile.say("share " + memory + " 2")).startsWith("shared ");
    assertThat(hostile.say("bye")).isEqualTo("granted 0");
    keeps(before);
    assertThat(hostile.say("share " + memory + " 1")).startsWith("refused 6 ");
  }
}
