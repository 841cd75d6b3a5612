package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.aliquot.agent.view.TenantGrant;
import dev.aliquot.agent.view.TenantSpec;
import dev.aliquot.linux.Identity;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** NVIDIA's own nvidia-smi, a client that no one here wrote, inside a tenant. */
class RealNvidiaSmiTest {
  private static final long MIB = 1L << 20;

  @TempDir private Path folder;
  private Path nvidiaSmi = Path.of("");

  @BeforeEach
  void find() throws Exception {
    Path script = Path.of("").toAbsolutePath().resolveSibling("scripts/real-parts");
    String path = output(Map.of(), script.toString(), "path", "nvidia-smi");
    nvidiaSmi = Path.of(path.strip());
    assumeTrue(
        nvidiaSmi.isAbsolute() && Files.isExecutable(nvidiaSmi),
        "nvidia-smi has not been fetched: scripts/real-parts fetch nvidia-smi");
  }

  @Test
  void insideATenantItShowsOnlyTheTenantsDeviceWithItsShareAsTheTotal() throws Exception {
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
                Duration.ofMillis(500),
                Duration.ofSeconds(10))
            .withSimulate("devices=2,memory=" + 16384 * MIB + ",model=H100,driver=550.163.01");
    int own = (int) ProcessHandle.current().pid();
    try (Agent agent = Agent.start(options, InstantSource.system())) {
      TenantGrant grant =
          agent.createTenant(
              new TenantSpec("smi", "", "", "", List.of("1"), 3000 * MIB, null, 0),
              new Peer(own, Identity.effectiveUserId(), Identity.effectiveGroupId()));
      String uuid = agent.view().devices().get(1).uuid();
      assertThat(
              output(
                  grant.environment(),
                  nvidiaSmi.toString(),
                  "--query-gpu=index,uuid,memory.total,memory.used,memory.free",
                  "--format=csv,noheader,nounits"))
          .isEqualTo("0, " + uuid + ", 3000, 0, 3000\n");
      assertThat(output(grant.environment(), nvidiaSmi.toString(), "-L"))
          .isEqualTo("GPU 0: NVIDIA H100 80GB HBM3 (UUID: " + uuid + ")\n");
      assertThat(output(grant.environment(), nvidiaSmi.toString()))
          .contains("NVIDIA-SMI 550.163.01", "3000MiB")
          .doesNotContain("16384MiB", agent.view().devices().get(0).uuid());
    }
  }

  private static String output(Map<String, String> environment, String... command)
      throws Exception {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(environment);
    builder.redirectError(ProcessBuilder.Redirect.DISCARD);
    Process process = builder.start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    return text;
  }
}
