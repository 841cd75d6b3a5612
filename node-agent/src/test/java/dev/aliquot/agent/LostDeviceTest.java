package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.DeviceView;
import dev.aliquot.agent.view.TenantGrant;
import dev.aliquot.agent.view.TenantSpec;
import dev.aliquot.agent.view.TenantView;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A device that has fallen off the bus before the agent starts, or while it runs. */
class LostDeviceTest extends AgentFixture {
  private static final String REASON = "lost: The driver says that the device is lost";

  private void lost(int device, boolean lost) throws Exception {
    simulate("lost", "--device", Integer.toString(device), "--lost", lost ? "1" : "0");
  }

  private static TenantSpec anywhere(String name, String... devices) {
    return new TenantSpec(name, "", "", "", List.of(devices), GIB, null, 0);
  }

  @Test
  void theAgentStartsWithTheOthersAndSaysWhyThisOneIsUnhealthy() throws Exception {
    String fine = agent.view().devices().get(1).uuid();
    lost(0, true);
    restartAgent();
    assertThat(agent.view().ready()).isTrue();
    assertThat(agent.view().devices()).extracting(DeviceView::index).containsExactly(0, 1);
    Eventually.soon(
        () -> {
          assertThat(device().health()).isEqualTo("unhealthy");
          assertThat(device().healthReason()).startsWith(REASON);
        });
    assertThat(device().capacityBytes()).isZero();
    assertThat(agent.view().devices().get(1).health()).isEqualTo("healthy");
    assertThat(agent.createTenant(anywhere("any"), peer(ownPid())).devices()).containsExactly(fine);
    assertThat(
            catchThrowableOfType(
                AgentException.class,
                () -> agent.createTenant(anywhere("lost", "0"), peer(ownPid()))))
        .hasMessageStartingWith("device 0 cannot be shared: " + REASON);
    Talker program = cudaReady(agent.createTenant(anywhere("other", "1"), peer(ownPid())));
    assertThat(program.say("alloc " + 512 * MIB)).isEqualTo(SUCCESS);
    assertThat(program.say("alloc " + 512 * MIB)).isEqualTo(OUT_OF_MEMORY);
  }

  @Test
  void itIsServedAgainByTheAgentThatStartsAfterItCameBack() throws Exception {
    String uuid = device().uuid();
    lost(0, true);
    restartAgent();
    lost(0, false);
    Eventually.soon(() -> assertThat(device().healthReason()).contains("started"));
    assertThat(device().health()).as("its memory is not known").isEqualTo("unhealthy");
    restartAgent();
    assertThat(device().uuid()).isEqualTo(uuid);
    Eventually.soon(() -> assertThat(device().health()).isEqualTo("healthy"));
    assertThat(cudaReady(grant("again", GIB)).say("alloc " + 512 * MIB)).isEqualTo(SUCCESS);
  }

  @Test
  void oneThatIsLostWhileTheAgentServesTurnsUnhealthyAlone() throws Exception {
    Talker other = cudaReady(agent.createTenant(anywhere("other", "1"), peer(ownPid())));
    lost(0, true);
    Eventually.soon(() -> assertThat(device().healthReason()).contains("XID 79"));
    assertThat(agent.view().devices().get(1).health()).isEqualTo("healthy");
    assertThat(other.say("alloc " + 512 * MIB)).isEqualTo(SUCCESS);
    lost(0, false);
    Eventually.soon(() -> assertThat(device().health()).isEqualTo("healthy"));
  }

  @Test
  void aTenantOnSeveralIsCarriedOnWithOnThoseThatAreThere() throws Exception {
    String gone = device().uuid();
    TenantGrant both = agent.createTenant(anywhere("both", "1", "0"), peer(ownPid()));
    Talker program = cudaReady(both);
    assertThat(program.say("alloc " + 256 * MIB)).isEqualTo(SUCCESS);
    Talker there = cudaReady(onDevice(both, gone));
    assertThat(there.say("alloc " + 128 * MIB)).isEqualTo(SUCCESS);
    lost(0, true);
    restartAgent();

    assertThat(states("both"))
        .containsExactlyInAnyOrder(gone + " device lost", other() + " running");
    assertThat(record(both)).exists();
    assertThat(Path.of(both.directory())).exists();
    assertThat(program.say("alloc " + 256 * MIB)).isEqualTo(SUCCESS);
    assertThat(program.say("alloc " + 512 * MIB)).as("its share ends").isEqualTo(OUT_OF_MEMORY);
    assertThat(there.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
    Eventually.soon(
        () -> {
          TenantView here = onDevice("both", other());
          assertThat(here.usedBytes()).isEqualTo(here.groundTruthBytes());
          assertThat(here.groundTruthBytes()).isEqualTo(512 * MIB + CONTEXT);
        });

    lost(0, false);
    restartAgent();
    assertThat(states("both")).containsExactlyInAnyOrder(gone + " running", other() + " running");
    assertThat(device().uuid()).isEqualTo(gone);
    assertThat(device().allocatedBytes()).as("the grant is there again").isEqualTo(GIB);
    Eventually.soon(
        () -> assertThat(onDevice("both", gone).groundTruthBytes()).isEqualTo(128 * MIB + CONTEXT));
    assertThat(there.say("alloc " + 512 * MIB)).isEqualTo(SUCCESS);
    assertThat(there.say("alloc " + 256 * MIB)).as("and ends").isEqualTo(OUT_OF_MEMORY);
  }

  @Test
  void aTenantThatEndsWhileItsDeviceIsLostIsGone() throws Exception {
    TenantGrant both = agent.createTenant(anywhere("both", "1", "0"), peer(ownPid()));
    Talker program = cudaReady(both);
    lost(0, true);
    restartAgent();
    end("both");
    program.kill();
    Eventually.soon(() -> assertThat(exists("both")).isFalse());
    assertThat(record(both)).doesNotExist();
    lost(0, false);
    restartAgent();
    assertThat(exists("both")).isFalse();
    assertThat(device().allocatedBytes()).isZero();
  }

  private Path record(TenantGrant grant) {
    return options.stateDir().resolve("registry").resolve(grant.id() + ".json");
  }

  private String other() {
    return agent.view().devices().get(1).uuid();
  }

  private List<String> states(String tenant) {
    return agent.view().tenants().stream()
        .filter(view -> view.name().equals(tenant))
        .map(view -> view.device() + " " + view.state())
        .toList();
  }

  private TenantView onDevice(String tenant, String uuid) {
    return agent.view().tenants().stream()
        .filter(view -> view.name().equals(tenant) && view.device().equals(uuid))
        .findFirst()
        .orElseThrow();
  }

  /** The same tenant, as a process of its sees it that uses this device alone. */
  private static TenantGrant onDevice(TenantGrant grant, String uuid) {
    Map<String, String> environment = new HashMap<>(grant.environment());
    environment.put("CUDA_VISIBLE_DEVICES", uuid);
    return new TenantGrant(
        grant.id(),
        grant.name(),
        grant.directory(),
        grant.devices(),
        grant.memoryBytes(),
        environment);
  }
}
