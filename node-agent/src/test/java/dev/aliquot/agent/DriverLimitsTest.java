package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.aliquot.agent.config.LimitBackend;
import dev.aliquot.agent.limits.LimitsOptions;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.agent.state.TenantRecords;
import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.TenantGrant;
import dev.aliquot.agent.view.TenantSpec;
import dev.aliquot.nvml.CgroupLimits;
import dev.aliquot.nvml.Nvml;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/**
 * Limits by the simulated R615 driver, on real cgroups of version 2 where this user may make them
 * (wherever they are mounted).
 */
class DriverLimitsTest extends BypassFixture {
  private static final Path ROOT = mount();
  private static final Path CGROUP = ROOT.resolve("aliquot-test-" + ownPid());

  /** Where version 2 is mounted; its usual place when it is not. */
  private static Path mount() {
    try (var mounts = Files.lines(Path.of("/proc/self/mounts"))) {
      return mounts
          .map(line -> line.split(" ", 4))
          .filter(words -> words[2].equals("cgroup2"))
          .map(words -> Path.of(words[1]))
          .findFirst()
          .orElse(Path.of("/sys/fs/cgroup"));
    } catch (IOException e) {
      return Path.of("/sys/fs/cgroup");
    }
  }

  static boolean cgroupsCanBeMade() {
    Path probe = ROOT.resolve("aliquot-probe-" + ownPid());
    try {
      Files.createDirectory(probe);
      Files.delete(probe);
      return Files.exists(ROOT.resolve("cgroup.controllers"));
    } catch (IOException e) {
      return false;
    }
  }

  @AfterEach
  void removeCgroup() {
    endProcesses();
    Eventually.soon(() -> Files.deleteIfExists(CGROUP));
  }

  private void serve(String driver, LimitBackend backend, Path root) throws Exception {
    agent.close();
    try (var node = Files.walk(options.stateDir().resolve("node"))) {
      for (Path file : node.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
    options =
        options
            .withSimulate("devices=1,memory=" + 8 * GIB + ",context=" + CONTEXT + driver)
            .withLimits(new LimitsOptions(backend, root));
    agent = Agent.start(options, InstantSource.system());
  }

  /** A shell in the cgroup. */
  private Talker shell() throws IOException {
    Files.createDirectories(CGROUP);
    Talker shell = talk(Map.of(), Path.of("/bin/sh"));
    assertThat(shell.say("echo $$ > " + CGROUP + "/cgroup.procs && echo moved")).isEqualTo("moved");
    return shell;
  }

  private TenantGrant container(Talker root, long bytes) throws AgentException {
    return agent.createTenant(
        new TenantSpec("c", "ml", "train-0", "main", List.of("0"), bytes, null, root.pid()),
        peer(root.pid()));
  }

  private static CgroupLimits limits(TenantGrant grant) {
    try (Nvml nvml = Nvml.open(driver(grant).resolveSibling("libnvidia-ml.so.1"))) {
      return nvml.device(0).cgroupLimits(CGROUP);
    }
  }

  private static void are(CgroupLimits limits, long softBytes, long hardBytes) {
    assertThat(List.of(limits.softBytes(), limits.hardBytes()))
        .containsExactly(softBytes, hardBytes);
  }

  private Path remembered() {
    return options.stateDir().resolve("driver-limits");
  }

  @Test
  @EnabledIf("cgroupsCanBeMade")
  void theDriverHoldsAContainerThatHasNoStandInAndFollowsItsLimitAndLetsGoAtItsEnd()
      throws Exception {
    serve(",driver=615.10", LimitBackend.DRIVER, ROOT);
    Talker root = shell();
    TenantGrant grant = container(root, 2 * GIB);
    are(limits(grant), 2 * GIB, 2 * GIB);
    root.tell("exec env -i " + CProgram.of("cuda_tenant") + " " + driver(grant));
    // The shell reads ahead: nothing may be said before it is the program.
    Eventually.soon(
        () -> assertThat(Path.of("/proc/" + root.pid() + "/comm")).hasContent("cuda_tenant"));
    assertThat(root.say("init")).isEqualTo(SUCCESS);
    assertThat(root.say("alloc " + GIB)).isEqualTo(SUCCESS);
    assertThat(root.say("alloc " + GIB)).as("beyond the limit").isEqualTo(OUT_OF_MEMORY);
    assertThat(limits(grant).usedBytes()).isEqualTo(GIB + CONTEXT);
    Eventually.soon(
        () ->
            assertThat(bypasses("c"))
                .as("held, and found all the same")
                .extracting(bypass -> bypass.kind() + " in " + bypass.cgroup())
                .containsExactly("unattached in /" + CGROUP.getFileName()));

    assertThat(agent.limits().backend().apply(resized(3 * GIB))).isEmpty();
    are(limits(grant), 2 * GIB, 3 * GIB);
    assertThat(root.say("alloc " + GIB)).isEqualTo(SUCCESS);

    root.kill();
    Path nvml = driver(grant).resolveSibling("libnvidia-ml.so.1");
    Eventually.soon(() -> are(limits(grant), 0, 3 * GIB));
    end("c");
    try (Nvml open = Nvml.open(nvml)) {
      Eventually.soon(() -> are(open.device(0).cgroupLimits(CGROUP), 0, CgroupLimits.NONE));
    }
    Eventually.soon(() -> assertThat(remembered()).isEmptyFile());
  }

  private TenantRecord resized(long limitBytes) throws IOException {
    TenantRecord old = new TenantRecords(options.stateDir().resolve("registry")).load().getFirst();
    TenantRecord.Grant grant = old.grants().getFirst();
    return old.withGrants(
        List.of(new TenantRecord.Grant(grant.device(), grant.requestBytes(), limitBytes)));
  }

  @Test
  @EnabledIf("cgroupsCanBeMade")
  void limitsStayWhenTheAgentGoesAndAreClearedWhenItsTenantWentMeanwhile() throws Exception {
    serve(",driver=615.10", LimitBackend.AUTO, ROOT);
    TenantGrant grant = container(shell(), 2 * GIB);
    Path nvml = driver(grant).resolveSibling("libnvidia-ml.so.1");
    agent.close();
    are(limits(grant), 2 * GIB, 2 * GIB);
    agent = Agent.start(options, InstantSource.system());
    are(limits(grant), 2 * GIB, 2 * GIB);
    agent.close();
    try (var records = Files.newDirectoryStream(options.stateDir().resolve("registry"))) {
      for (Path each : records) {
        Files.delete(each);
      }
    }
    agent = Agent.start(options, InstantSource.system());
    try (Nvml open = Nvml.open(nvml)) {
      Eventually.soon(() -> are(open.device(0).cgroupLimits(CGROUP), 0, CgroupLimits.NONE));
    }
  }

  @Test
  @EnabledIf("cgroupsCanBeMade")
  void twoTenantsOfOneCgroupAreNotHeldByTheDriver() throws Exception {
    serve(",driver=615.10", LimitBackend.DRIVER, ROOT);
    Talker root = shell();
    TenantGrant grant = container(root, 2 * GIB);
    AgentException refusal =
        catchThrowableOfType(
            AgentException.class,
            () ->
                agent.createTenant(
                    new TenantSpec("d", "ml", "p", "d", List.of("0"), GIB, null, root.pid()),
                    peer(root.pid())));
    assertThat(refusal).hasMessageContaining("shares its cgroup with tenant " + grant.id());
    are(limits(grant), 2 * GIB, 2 * GIB);
    assertThat(exists("d")).isFalse();
  }

  @Test
  @EnabledIf("cgroupsCanBeMade")
  void aCommandThatIsNoContainerIsHeldByTheInterposerAloneUnlessTheDriverIsForced()
      throws Exception {
    serve(",driver=615.10", LimitBackend.AUTO, ROOT);
    assertThat(agent.limits().backend().backend()).isEqualTo("driver");
    Talker program = cudaReady(grant("command", GIB));
    assertThat(program.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
    agent.close();
    options = options.withLimits(new LimitsOptions(LimitBackend.DRIVER, ROOT));
    agent = Agent.start(options, InstantSource.system());
    AgentException refusal =
        catchThrowableOfType(AgentException.class, () -> grant("another", GIB));
    assertThat(refusal)
        .hasMessageContaining("the driver cannot hold tenant another: it is not a container");
    assertThat(exists("another")).isFalse();
  }

  @Test
  void withoutTheDriversLimitsTheInterposerHoldsAndAForcedDriverIsRefusedWithTheReason()
      throws Exception {
    assertThat(agent.limits().backend().backend()).isEqualTo("interposer");
    Talker program = cudaReady(grant("a", GIB));
    assertThat(program.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
    isRefused("this driver has no limits of its own");
    serve(",driver=615.10", LimitBackend.AUTO, options.stateDir());
    assertThat(agent.limits().backend().backend()).isEqualTo("interposer");
    isRefused("cgroup version 2 is not mounted at " + options.stateDir());
  }

  private void isRefused(String reason) throws Exception {
    agent.close();
    AgentOptions forced =
        options.withLimits(new LimitsOptions(LimitBackend.DRIVER, options.limits().cgroupRoot()));
    AgentException refusal =
        catchThrowableOfType(
            AgentException.class, () -> Agent.start(forced, InstantSource.system()));
    assertThat(refusal).hasMessageContaining("memory-limits is driver, but " + reason);
    agent = Agent.start(options, InstantSource.system());
  }
}
