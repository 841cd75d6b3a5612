package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.ProcessView;
import dev.aliquot.agent.view.TenantGrant;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * What tenants can hold of a device, and what is known of it: real CUDA programs through the real
 * stand-ins.
 */
class SharedDeviceTest extends AgentFixture {
  @Test
  void twoTenantsShareADeviceEachHeldToItsShare() throws Exception {
    Talker small = cudaReady(grant("small", 2 * GIB));
    Talker large = cudaReady(grant("large", 4 * GIB));
    assertThat(small.say("total")).isEqualTo(Long.toString(2 * GIB));
    assertThat(large.say("devices")).isEqualTo("1");
    assertThat(small.say("alloc " + GIB)).isEqualTo(SUCCESS);
    assertThat(small.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
    assertThat(large.say("alloc " + 3 * GIB)).isEqualTo(SUCCESS);
    assertThat(large.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
    assertThat(small.say("info")).isEqualTo((GIB - CONTEXT) + " " + 2 * GIB);
    Eventually.soon(() -> assertThat(device().usedBytes()).isEqualTo(4 * GIB + 2 * CONTEXT));
    assertThat(view("small").refusals()).isEqualTo(1);
    assertThat(view("small").usedBytes()).isEqualTo(GIB + CONTEXT);
  }

  @Test
  void processesOfOneTenantShareItsLimitInAnySplit() throws Exception {
    TenantGrant grant = grant("pair", 4 * GIB);
    Talker first = cudaReady(grant);
    Talker second = cudaReady(grant);
    long free = 4 * GIB - 2 * CONTEXT;
    assertThat(first.say("alloc " + (free - 512 * MIB))).isEqualTo(SUCCESS);
    assertThat(second.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
    assertThat(second.say("alloc " + 512 * MIB)).isEqualTo(SUCCESS);
    assertThat(second.say("alloc " + 2 * MIB)).isEqualTo(OUT_OF_MEMORY);
    assertThat(first.say("free")).isEqualTo(SUCCESS);
    assertThat(second.say("alloc " + (free - 512 * MIB))).isEqualTo(SUCCESS);
    assertThat(first.say("alloc " + 2 * MIB)).isEqualTo(OUT_OF_MEMORY);
  }

  @Test
  void complaint05_freeIsNeverNegativeWhenContextsEatTheShare() throws Exception {
    TenantGrant grant = grant("tight", 600 * MIB);
    Talker first = cudaReady(grant);
    assertThat(first.say("alloc " + 340 * MIB)).isEqualTo(SUCCESS);
    assertThat(cuda(grant).say("init")).isEqualTo(OUT_OF_MEMORY);
    Eventually.soon(
        () -> {
          assertThat(first.say("info"))
              .isEqualTo((600 * MIB - 340 * MIB - CONTEXT) + " " + 600 * MIB);
          assertThat(view("tight").usedBytes()).isBetween(0L, 600 * MIB);
        });
  }

  @Test
  void complaint06_aSecondProcessSeesWhatTheFirstHolds() throws Exception {
    TenantGrant grant = grant("two", 4 * GIB);
    Talker first = cudaReady(grant);
    assertThat(first.say("alloc " + GIB)).isEqualTo(SUCCESS);
    Talker second = cudaReady(grant);
    String both = (3 * GIB - 2 * CONTEXT) + " " + 4 * GIB;
    assertThat(second.say("info")).isEqualTo(both);
    assertThat(first.say("info")).isEqualTo(both);
  }

  @Test
  void complaint07_usageIsTheDriversFigureContextsIncluded() throws Exception {
    Talker program = cudaReady(grant("seven", 4 * GIB));
    program.say("alloc " + GIB);
    program.say("alloc 1000");
    Eventually.soon(
        () -> {
          assertThat(view("seven").groundTruthBytes()).isEqualTo(GIB + CONTEXT + 2 * MIB);
          assertThat(view("seven").usedBytes()).isEqualTo(device().usedBytes());
          assertThat(view("seven").overheadBytes()).isGreaterThanOrEqualTo(CONTEXT);
        });
  }

  @Test
  void complaint10_eachProcessIsChargedToItsTenantByItsRealPid() throws Exception {
    Talker one = cudaReady(grant("one", 2 * GIB));
    Talker two = cudaReady(grant("two", 2 * GIB));
    one.say("alloc " + GIB);
    two.say("alloc " + 512 * MIB);
    Eventually.soon(
        () -> {
          assertThat(view("one").processes())
              .containsExactly(
                  new ProcessView(
                      one.pid(),
                      one.pid(),
                      "cuda_tenant",
                      device().uuid(),
                      GIB,
                      GIB + CONTEXT,
                      CONTEXT,
                      List.of()));
          assertThat(view("two").processes())
              .extracting(ProcessView::pid)
              .containsExactly(two.pid());
          assertThat(view("two").overheadBytes()).isEqualTo(CONTEXT);
          assertThat(device().strangers()).isEmpty();
        });
  }

  @Test
  void complaint19_aProcessWithoutTheStandInsIsChargedToTheTenantItDescendsFrom() throws Exception {
    TenantGrant grant = grant("bypassed", 4 * GIB);
    Talker honest = cudaReady(grant);
    Map<String, String> bare = bareEnvironment(grant);
    Talker bypassing = talk(bare, CProgram.of("cuda_tenant"));
    assertThat(bypassing.say("init")).isEqualTo(SUCCESS);
    assertThat(bypassing.say("alloc " + 2 * GIB)).isEqualTo(SUCCESS);
    Eventually.soon(
        () -> assertThat(view("bypassed").overheadBytes()).isEqualTo(2 * GIB + 2 * CONTEXT));
    assertThat(honest.say("alloc " + 2 * GIB)).isEqualTo(OUT_OF_MEMORY);
    assertThat(device().strangers()).isEmpty();
    bypassing.kill();
    Eventually.soon(() -> assertThat(view("bypassed").overheadBytes()).isEqualTo(CONTEXT));
    assertThat(honest.say("alloc " + 2 * GIB)).isEqualTo(SUCCESS);
  }

  @Test
  void aProcessThatIsNobodysIsListedAsAStranger() throws Exception {
    Talker elsewhere = talk(Map.of(), Path.of("/bin/cat"));
    TenantGrant grant =
        agent.createTenant(spec("other", GIB, elsewhere.pid()), peer(elsewhere.pid()));
    Talker stranger = talk(bareEnvironment(grant), CProgram.of("cuda_tenant"));
    assertThat(stranger.say("init")).isEqualTo(SUCCESS);
    Eventually.soon(
        () ->
            assertThat(device().strangers())
                .extracting(ProcessView::pid)
                .containsExactly(stranger.pid()));
    assertThat(view("other").usedBytes()).isZero();
  }

  @Test
  void aKilledProcessIsReapedWithoutTheOthersHelp() throws Exception {
    TenantGrant grant = grant("killed", 4 * GIB);
    Talker victim = cudaReady(grant);
    Talker survivor = cudaReady(grant);
    assertThat(victim.say("alloc " + 3 * GIB)).isEqualTo(SUCCESS);
    assertThat(survivor.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
    victim.kill();
    Eventually.shown(
        "a killed process reaped",
        Duration.ofSeconds(1),
        () -> {
          assertThat(view("killed").processes())
              .extracting(ProcessView::pid)
              .containsExactly(survivor.pid());
          assertThat(view("killed").reportedBytes()).isZero();
        });
    assertThat(survivor.say("alloc " + 3 * GIB)).isEqualTo(SUCCESS);
  }

  @Test
  void complaint24_usageIsThereWithoutTheTenantsHelpAndGoesWithIt() throws Exception {
    Talker root = talk(Map.of(), Path.of("/bin/sh"));
    TenantGrant grant = agent.createTenant(spec("shell", 2 * GIB, root.pid()), peer(root.pid()));
    assertThat(view("shell").state()).isEqualTo("starting");
    StringBuilder command = new StringBuilder("exec env");
    grant
        .environment()
        .forEach((name, value) -> command.append(' ').append(name).append('=').append(value));
    root.tell(command.append(' ').append(CProgram.of("cuda_tenant")).toString());
    Eventually.soon(
        () -> assertThat(Path.of("/proc/" + root.pid() + "/comm")).hasContent("cuda_tenant"));
    assertThat(root.say("init")).isEqualTo(SUCCESS);
    Eventually.soon(() -> assertThat(view("shell").usedBytes()).isEqualTo(CONTEXT));
    root.say("alloc " + GIB);
    assertThat(view("shell").reportedBytes())
        .as("live, without waiting for a sample")
        .isEqualTo(GIB);
    assertThat(view("shell").state()).isEqualTo("running");
    root.kill();
    Eventually.shown(
        "a tenant gone with its root",
        Duration.ofSeconds(1),
        () -> assertThat(exists("shell")).isFalse());
    Eventually.soon(() -> assertThat(device().usedBytes()).isZero());
    Eventually.soon(() -> assertThat(device().allocatedBytes()).isZero());
    Eventually.soon(() -> assertThat(Path.of(grant.directory())).doesNotExist());
  }

  @Test
  void complaint01_processesThatChurnAndDieNeverPassTheLimitAndLeaveNothing() throws Exception {
    long limit = 5 * GIB;
    TenantGrant grant = grant("churn", limit);
    List<Talker> processes = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      processes.add(cudaReady(grant));
    }
    processes.forEach(process -> process.tell("churn 5000 " + 200 * MIB));
    long end = System.nanoTime() + Duration.ofSeconds(4).toNanos();
    long most = 0;
    while (System.nanoTime() < end) {
      most = Math.max(most, device().usedBytes());
      if (processes.size() > 8 && end - System.nanoTime() < Duration.ofSeconds(2).toNanos()) {
        processes.removeFirst().kill();
      }
      Thread.sleep(20);
    }
    while (processes.size() > 8) {
      processes.removeFirst().kill();
    }
    assertThat(most).as("the most by ground truth").isBetween(limit / 2, limit);
    for (Talker process : processes) {
      String[] counts = process.answer().split(" ", -1);
      assertThat(Integer.parseInt(counts[0])).isPositive();
    }
    Eventually.soon(
        () -> {
          assertThat(view("churn").reportedBytes()).isZero();
          assertThat(view("churn").overheadBytes()).isEqualTo(8 * CONTEXT);
          assertThat(device().usedBytes()).isEqualTo(8 * CONTEXT);
        });
    assertThat(processes.getFirst().say("alloc " + (limit - 8 * CONTEXT))).isEqualTo(SUCCESS);
  }

  @Test
  void complaint02_sixtyFourProcessesAttachWithoutSlowingDown() throws Exception {
    TenantGrant grant = grant("many", 6 * GIB);
    List<Talker> processes = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      Talker process = raw(grant);
      assertThat(process.say("hello")).startsWith("welcome " + i + " ");
      processes.add(process);
    }
    AgentStats stats = agent.stats();
    assertThat(stats.attaches()).isEqualTo(64);
    Duration each = stats.attachTime().dividedBy(64);
    System.out.printf("attaching: %d us a process (the bar: 5000 us)%n", each.toNanos() / 1000);
    assertThat(each).as("nobody waited for another").isLessThan(Duration.ofMillis(500));
    processes.forEach(Talker::kill);
    Eventually.shown(
        "64 killed processes reaped",
        Duration.ofSeconds(1),
        () -> assertThat(view("many").processes()).isEmpty());
  }

  private static Map<String, String> bareEnvironment(TenantGrant grant) {
    Map<String, String> environment = new HashMap<>();
    environment.put("ALIQUOT_SIM_DIR", grant.environment().get("ALIQUOT_SIM_DIR"));
    environment.put("LD_LIBRARY_PATH", simulatorLibraries(grant));
    return environment;
  }

  /** Where the control page says the driver is. */
  private static String simulatorLibraries(TenantGrant grant) {
    try {
      byte[] page = java.nio.file.Files.readAllBytes(Path.of(grant.directory(), "control"));
      int end = 128;
      while (page[end] != 0) {
        end++;
      }
      return Path.of(new String(page, 128, end - 128, java.nio.charset.StandardCharsets.UTF_8))
          .getParent()
          .toString();
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
