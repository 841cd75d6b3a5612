package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.TenantGrant;
import dev.aliquot.agent.view.TenantResize;
import dev.aliquot.agent.view.TenantSpec;
import dev.aliquot.agent.view.TenantView;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What can be allocated, and what is said when it cannot. */
class AdmissionTest extends AgentFixture {

  private AgentException refused(TenantSpec spec) {
    return catchThrowableOfType(
        AgentException.class, () -> agent.createTenant(spec, peer(ownPid())));
  }

  private static TenantSpec fraction(int percent, String... devices) {
    return new TenantSpec("", "", "", "", List.of(devices), null, percent, 0);
  }

  @Test
  void aRequestThatDoesNotFitIsRefusedWithWhatIsFree() throws Exception {
    grant("a", 6 * GIB);
    long free = device().capacityBytes() - 6 * GIB;
    AgentException refusal = refused(spec("b", 4 * GIB, 0));
    assertThat(refusal.kind()).isEqualTo(AgentException.Kind.NO_ROOM);
    assertThat(refusal)
        .hasMessageContaining("and 4 GiB were asked for")
        .hasMessageContaining("6 GiB are allocated to 1 tenant")
        .hasMessageContaining("ask for " + free + " bytes or less");
    grant("b", free);
    assertThat(device().allocatedBytes()).isEqualTo(device().capacityBytes());
    assertThat(refused(spec("c", 1, 0)).kind()).isEqualTo(AgentException.Kind.NO_ROOM);
    assertThat(exists("c")).isFalse();
  }

  @Test
  void theDeviceWithMostRoomIsTakenWhereNoneIsNamed() throws Exception {
    grant("first", GIB);
    TenantGrant picked = agent.createTenant(fraction(25), peer(ownPid()));
    assertThat(picked.devices()).containsExactly(agent.view().devices().get(1).uuid());
    assertThat(picked.memoryBytes())
        .isEqualTo(device().capacityBytes() / 4 / (2 * MIB) * (2 * MIB));
    assertThat(picked.name()).isEqualTo(picked.id());
    assertThat(picked.environment())
        .containsEntry("CUDA_VISIBLE_DEVICES", picked.devices().getFirst());
  }

  @Test
  void aTenantOnTwoDevicesHasItsShareOfEachOrOfNeither() throws Exception {
    TenantGrant both =
        agent.createTenant(
            fraction(50, "0", agent.view().devices().get(1).uuid(), "0"), peer(ownPid()));
    assertThat(both.devices()).hasSize(2);
    assertThat(agent.view().tenants()).hasSize(2);
    agent.createTenant(fraction(50, "1"), peer(ownPid()));
    assertThat(refused(fraction(30, "0", "1")).kind()).isEqualTo(AgentException.Kind.NO_ROOM);
    assertThat(device().allocatedBytes())
        .as("nothing of what was refused stays allocated")
        .isEqualTo(both.memoryBytes());
  }

  @Test
  void aTenantOnTwoDevicesIsResizedOnBothOrOnNeither() throws Exception {
    TenantGrant both =
        agent.createTenant(
            new TenantSpec("both", "", "", "", List.of("0", "1"), GIB, null, 0), peer(ownPid()));
    Talker program = cudaReady(both);
    assertThat(program.say("alloc " + 512 * MIB)).isEqualTo(SUCCESS);
    agent.createTenant(fraction(80, "1"), peer(ownPid()));
    List<TenantView> before = views(both.id());
    TenantResize larger = new TenantResize(4 * GIB, null, null, null);
    assertThat(catchThrowableOfType(AgentException.class, () -> resize("both", larger)).kind())
        .isEqualTo(AgentException.Kind.NO_ROOM);
    assertThat(views(both.id()))
        .as("also the credit that its processes have")
        .usingRecursiveComparison()
        .comparingOnlyFields("requestBytes", "limitBytes", "creditBytes")
        .isEqualTo(before);
    assertThat(program.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
    resize("both", new TenantResize(1300 * MIB, null, null, null));
    assertThat(views(both.id()))
        .extracting(TenantView::requestBytes)
        .containsExactly(1300 * MIB, 1300 * MIB);
  }

  private List<TenantView> views(String id) {
    return agent.view().tenants().stream().filter(view -> view.id().equals(id)).toList();
  }

  @Test
  void whatMakesNoSenseIsRefusedWithItsCause() throws Exception {
    grant("taken", GIB);
    assertThat(refused(spec("taken", GIB, 0)))
        .hasMessageContaining("there is a tenant named taken already")
        .extracting(AgentException::kind)
        .isEqualTo(AgentException.Kind.CONFLICT);
    assertThat(refused(spec("../x", GIB, 0)))
        .hasMessageContaining("'../x' is no name for a tenant");
    assertThat(refused(spec("x".repeat(64), GIB, 0)).kind()).isEqualTo(AgentException.Kind.INVALID);
    assertThat(refused(spec("x", 0, 0))).hasMessageContaining("more than 0 bytes");
    assertThat(refused(fraction(0))).hasMessageContaining("1 to 100 percent");
    assertThat(refused(fraction(101))).hasMessageContaining("1 to 100 percent");
    assertThat(refused(new TenantSpec("x", "", "", "", List.of(), GIB, 10, 0)))
        .hasMessageContaining("not both");
    assertThat(refused(fraction(10, "7")))
        .hasMessageContaining("this node has no device '7': it has 0 to 1")
        .extracting(AgentException::kind)
        .isEqualTo(AgentException.Kind.NOT_FOUND);
    assertThat(refused(spec("x", GIB, 1 << 29))).hasMessageContaining("there is no process");
    AgentException foreign =
        catchThrowableOfType(
            AgentException.class,
            () -> agent.createTenant(spec("x", GIB, 1), new Peer(ownPid(), 12345, 12345)));
    assertThat(foreign.kind()).isEqualTo(AgentException.Kind.FORBIDDEN);
    assertThat(catchThrowableOfType(AgentException.class, () -> end("nobody")).kind())
        .isEqualTo(AgentException.Kind.NOT_FOUND);
  }

  @Test
  void tenantsFilesHaveTheAccessTheyNeedAndNoMore() throws Exception {
    Path directory = Path.of(grant("files", GIB).directory());
    assertThat(access(directory.resolve("control"))).isEqualTo("r--r--r--");
    assertThat(access(directory.resolve("usage"))).isEqualTo("rw-------");
    assertThat(access(directory.resolve("agent.sock"))).isEqualTo("rw-------");
    boolean root = dev.aliquot.linux.Identity.effectiveUserId() == 0;
    assertThat(access(directory)).isEqualTo(root ? "rwxr-xr-x" : "rwx------");
    assertThat(access(options.stateDir().resolve("registry"))).isEqualTo("rwx------");
    assertThat(access(options.stateDir().resolve("tenants")))
        .isEqualTo(root ? "rwx--x--x" : "rwx------");
  }

  private static String access(Path file) throws Exception {
    return java.nio.file.attribute.PosixFilePermissions.toString(
        Files.getPosixFilePermissions(file));
  }

  @Test
  void agentJsonSaysHowToReachTheAgentForAsLongAsItServes() throws Exception {
    agent.announce("127.0.0.1:9400");
    Path file = options.stateDir().resolve("agent.json");
    assertThat(file)
        .content()
        .isEqualTo("{\"pid\":" + ownPid() + ",\"http\":\"127.0.0.1:9400\",\"version\":\"test\"}");
    agent.close();
    assertThat(file).doesNotExist();
  }

  @Test
  void aDriverThatIsMissingOrNoLibraryIsNamed() throws Exception {
    agent.close();
    Path text = Files.writeString(options.stateDir().resolve("text"), "no library");
    for (Path library : List.of(Path.of("/nonexistent/libnvidia-ml.so.1"), text)) {
      AgentOptions broken =
          new AgentOptions(
              options.stateDir(),
              "n",
              "v",
              null,
              library,
              library,
              options.libraryDir(),
              3,
              0,
              options.samplePeriod(),
              options.agentWait());
      AgentException refusal =
          catchThrowableOfType(
              AgentException.class, () -> Agent.start(broken, InstantSource.system()));
      assertThat(refusal.kind()).isEqualTo(AgentException.Kind.UNAVAILABLE);
      assertThat(refusal).hasMessageContaining(library.toString());
    }
    agent = Agent.start(options, InstantSource.system());
  }

  @Test
  void everyDriverBranchIsServed() throws Exception {
    for (String driver : List.of("535.183.01", "550.127.08", "615.10")) {
      agent.close();
      try (var node = Files.walk(options.stateDir().resolve("node"))) {
        for (Path file : node.sorted(java.util.Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
      agent =
          Agent.start(
              options.withSimulate("devices=1,memory=" + 8 * GIB + ",driver=" + driver),
              InstantSource.system());
      assertThat(agent.view().driverVersion()).isEqualTo(driver);
      Eventually.soon(() -> assertThat(agent.view().ready()).isTrue());
      TenantGrant grant = grant("d" + driver, 512 * MIB);
      assertThat(cudaReady(grant).say("total")).isEqualTo(Long.toString(512 * MIB));
      end("d" + driver);
    }
  }
}
