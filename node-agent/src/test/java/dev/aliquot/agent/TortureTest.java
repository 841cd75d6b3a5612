package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.TenantGrant;
import dev.aliquot.agent.view.TenantSpec;
import dev.aliquot.agent.view.TenantView;
import dev.aliquot.linux.Identity;
import dev.aliquot.nvml.Nvml;
import dev.aliquot.nvml.NvmlDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Many processes of one tenant allocate and free at random, some die by -9, others take their
 * place, and an observer that asks the driver itself never sees more than the limit. {@code
 * -Daliquot.torture.seconds=60} for the long run.
 */
class TortureTest {
  private static final long MIB = 1L << 20;
  private static final long LIMIT = 4096 * MIB;
  private static final long CONTEXT = 16 * MIB;
  private static final int PROCESSES = 64;
  private static final Duration LENGTH =
      Duration.ofSeconds(Long.getLong("aliquot.torture.seconds", 8));

  @TempDir private Path folder;

  @Test
  void theProcessesOfATenantNeverPassItsLimitTogetherAndLeaveNothing() throws Exception {
    AgentOptions defaults = AgentOptions.defaults(folder.resolve("state"), "test");
    AgentOptions options =
        new AgentOptions(
                defaults.stateDir(),
                "test",
                "test",
                null,
                null,
                null,
                folder.resolve("lib"),
                3,
                256 * MIB,
                Duration.ofMillis(250),
                Duration.ofSeconds(20))
            .withSimulate("devices=1,memory=" + 16384 * MIB + ",model=H100,context=" + CONTEXT);
    int own = (int) ProcessHandle.current().pid();
    List<Talker> processes = new ArrayList<>();
    try (Agent agent = Agent.start(options, InstantSource.system());
        Nvml driver = Nvml.open(simulatedNvml())) {
      TenantGrant grant =
          agent.createTenant(
              new TenantSpec("torture", "", "", "", List.of(), LIMIT, null, 0),
              new Peer(own, Identity.effectiveUserId(), Identity.effectiveGroupId()));
      NvmlDevice device = driver.devices().getFirst();
      for (int i = 0; i < PROCESSES; i++) {
        Talker process = Talker.start(grant.environment(), CProgram.of("cuda_tenant"));
        processes.add(process);
        assertThat(process.say("init")).isEqualTo("0");
      }
      long end = System.nanoTime() + LENGTH.toNanos();
      processes.forEach(process -> churn(process, end));
      Random random = new Random(20261123);
      long most = 0;
      int looks = 0;
      int kills = 0;
      long nextKill = System.nanoTime();
      while (System.nanoTime() < end) {
        most = Math.max(most, device.memory().usedBytes());
        assertThat(most).as("look %s, after %s kills", looks, kills).isLessThanOrEqualTo(LIMIT);
        looks++;
        if (System.nanoTime() > nextKill && end - System.nanoTime() > 2_000_000_000L) {
          if (processes.size() > PROCESSES / 2) {
            Talker victim = processes.remove(random.nextInt(processes.size()));
            victim.kill();
            victim.close();
            kills++;
          }
          if (processes.size() < PROCESSES) {
            replace(grant, end).ifPresent(processes::add);
          }
          nextKill = System.nanoTime() + 100_000_000L;
        }
      }
      int taken = 0;
      int refused = 0;
      for (Talker process : processes) {
        String[] counts = process.answer().split(" ", -1);
        taken += Integer.parseInt(counts[0]);
        refused += Integer.parseInt(counts[1]);
      }
      System.out.printf(
          "torture: %d processes, %d killed, %d taken, %d refused, %d looks, at most %d of %d MiB%n",
          PROCESSES, kills, taken, refused, looks, most / MIB, LIMIT / MIB);
      assertThat(most).as("the limit was approached").isGreaterThan(LIMIT * 3 / 4);
      assertThat(kills).isPositive();
      assertThat(refused).as("some were refused").isPositive();
      Eventually.soon(
          () -> {
            TenantView tenant = agent.view().tenants().getFirst();
            assertThat(tenant.reportedBytes()).as("the charge").isZero();
            assertThat(tenant.processes()).hasSize(processes.size());
            assertThat(tenant.overheadBytes()).isEqualTo(processes.size() * CONTEXT);
          });
    } finally {
      processes.forEach(Talker::close);
    }
  }

  private static void churn(Talker process, long end) {
    process.tell("churn " + Math.max(1, (end - System.nanoTime()) / 1_000_000) + " " + 200 * MIB);
  }

  /** Another process, unless the tenant has no room for its context just now. */
  private static Optional<Talker> replace(TenantGrant grant, long end) {
    Talker process = Talker.start(grant.environment(), CProgram.of("cuda_tenant"));
    String result = process.say("init");
    if (result.equals("0")) {
      churn(process, end);
      return Optional.of(process);
    }
    process.close();
    assertThat(result).as("CUDA_ERROR_OUT_OF_MEMORY").isEqualTo("2");
    return Optional.empty();
  }

  private Path simulatedNvml() throws IOException {
    try (var files = Files.walk(folder.resolve("lib"))) {
      return files
          .filter(file -> file.endsWith("libnvidia-ml.so.1") && !file.toString().contains("compat"))
          .findFirst()
          .orElseThrow();
    }
  }
}
