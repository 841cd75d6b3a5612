package dev.aliquot.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.agent.view.TenantView;
import dev.aliquot.cli.client.AgentClient;
import dev.aliquot.cli.client.CommandFailure;
import dev.aliquot.cli.program.PackedProgram;
import dev.aliquot.cli.program.SelfCommand;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The command as a user has it: real processes, a real agent, the simulated node. */
class AgentAndRunTest {
  private static Path folder;
  private static Path state;
  private static Process agent;

  /** What a command leaves. */
  record Outcome(int code, String out, String err) {}

  @BeforeAll
  static void startAgent() throws Exception {
    folder = PackedProgram.temporaryFolder("aliquot-test-");
    state = folder.resolve("s");
    agent = startAgent("agent.log");
    awaitReady();
  }

  private static Process startAgent(String log) throws IOException {
    return new ProcessBuilder(
            SelfCommand.of(
                List.of(
                    "agent",
                    "--state-dir",
                    state.toString(),
                    "--http-port",
                    "0",
                    "--simulate",
                    "devices=2,memory=2GiB,model=L4",
                    "--log-format",
                    "json")))
        .redirectErrorStream(true)
        .redirectOutput(folder.resolve(log).toFile())
        .start();
  }

  private static void awaitReady() throws Exception {
    long end = System.nanoTime() + 2 * Eventually.PATIENCE.toNanos();
    while (agent.isAlive() && System.nanoTime() < end) {
      try {
        if (node().ready()) {
          return;
        }
      } catch (CommandFailure notYet) {
        Thread.sleep(100);
      }
    }
    // Its threads, at the end of its log: it is there, and one can see what it waits for.
    new ProcessBuilder("kill", "-QUIT", Long.toString(agent.pid())).start().waitFor();
    Thread.sleep(3000);
    throw new AssertionError(
        "the agent did not become ready:\n" + Files.readString(folder.resolve("agent.log")));
  }

  @AfterAll
  static void stopAgent() throws Exception {
    agent.destroy();
    try {
      assertThat(agent.waitFor(Eventually.PATIENCE)).as("the agent ends when asked").isTrue();
      assertThat(agent.exitValue()).as("being asked to stop is no failure").isZero();
      assertThat(Files.readAllLines(folder.resolve("agent.log")))
          .isNotEmpty()
          .allMatch(line -> line.startsWith("{\"ts\":"));
      assertThat(state.resolve("admin.sock")).doesNotExist();
    } finally {
      agent.destroyForcibly().waitFor();
      PackedProgram.delete(folder);
    }
  }

  private static NodeView node() throws CommandFailure {
    return new AgentClient(state).node();
  }

  private static Outcome aliquot(String... arguments) throws IOException, InterruptedException {
    List<String> all = new ArrayList<>(List.of(arguments));
    all.addAll(1, List.of("--state-dir", state.toString()));
    Path err = Files.createTempFile(folder, "err", "");
    Process process = new ProcessBuilder(SelfCommand.of(all)).redirectError(err.toFile()).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int code = process.waitFor();
    return new Outcome(code, out, Files.readString(err));
  }

  private static Outcome run(String... command) throws IOException, InterruptedException {
    List<String> all = new ArrayList<>(List.of("run", "--gpu-memory", "256MiB", "--"));
    all.addAll(List.of(command));
    return aliquot(all.toArray(String[]::new));
  }

  private static void awaitNoTenants() {
    Eventually.soon(() -> assertThat(node().tenants()).isEmpty());
  }

  @Test
  void statusAndTopShowTheNode() throws Exception {
    Outcome status = aliquot("status");
    assertThat(status.code()).isZero();
    assertThat(status.out()).contains("simulated", "NVIDIA L4", "healthy");
    assertThat(aliquot("status", "--json").out()).startsWith("{").contains("\"devices\" : [");
    assertThat(aliquot("top", "--once").out())
        .contains("GPU 0", "GPU 1", "allocated")
        .doesNotContain("\u001b");
  }

  @Test
  void theCommandsExitCodePassesThrough() throws Exception {
    assertThat(run("sh", "-c", "exit 7").code()).isEqualTo(7);
    assertThat(run("sh", "-c", "kill -TERM $$").code()).isEqualTo(143);
    assertThat(run("true").code()).isZero();
    awaitNoTenants();
  }

  @Test
  void theCommandIsTheSameProcessWithTheTenantsEnvironmentAndNothingOfOurs() throws Exception {
    Outcome outcome =
        run(
            "sh",
            "-c",
            "env; echo SIG; grep Sig /proc/self/status; echo FD; for f in /proc/self/fd/*; do"
                + " readlink $f; done; true");
    assertThat(outcome.code()).isZero();
    assertThat(outcome.out())
        .contains("ALIQUOT_TENANT_DIR=" + state + "/tenants/")
        .containsPattern("LD_PRELOAD=\\S*libaliquot-cuda.so");
    assertThat(masks(outcome.out()))
        .as("signals blocked or ignored: those that any child of this process has so")
        .hasSize(2)
        .isEqualTo(masks(plainChild("grep", "Sig", "/proc/self/status")));
    String descriptors = outcome.out().substring(outcome.out().indexOf("\nFD\n"));
    assertThat(descriptors)
        .doesNotContain("socket:", "random", ".jar", "modules", state.toString());
    assertThat(outcome.err()).isEmpty();
  }

  /** Blocked and ignored signals 1 to 31; glibc's spawn ignores its own 32 and 33. */
  private static List<Long> masks(String status) {
    return status
        .lines()
        .filter(line -> line.matches("Sig(Blk|Ign):.*"))
        .map(line -> Long.parseUnsignedLong(line.substring(7).strip(), 16) & 0x7fffffffL)
        .toList();
  }

  private static String plainChild(String... command) throws IOException {
    return new String(
        new ProcessBuilder(command).start().getInputStream().readAllBytes(),
        StandardCharsets.UTF_8);
  }

  @Test
  void argumentsArriveAsTheyWereGiven() throws Exception {
    assertThat(run("printf", "%s|", "", "a b", "$HOME", "--gpu-memory", "-x", "héllo").out())
        .isEqualTo("|a b|$HOME|--gpu-memory|-x|héllo|");
  }

  @Test
  void aCommandThatCannotBeStartedLeavesNoTenant() throws Exception {
    Path script = Files.writeString(folder.resolve("script"), "#!/no/such/interpreter\n");
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
    Outcome missing = run(script.toString());
    assertThat(missing.code()).isEqualTo(127);
    assertThat(missing.err())
        .isEqualTo("aliquot: " + script + ": it, or the interpreter it names, does not exist\n");
    Path garbage = Files.writeString(folder.resolve("garbage"), "\u007fELFgarbage");
    Files.setPosixFilePermissions(garbage, PosixFilePermissions.fromString("rwxr-xr-x"));
    assertThat(run(garbage.toString()).code()).isEqualTo(126);
    awaitNoTenants();
  }

  @Test
  void aRequestBeyondTheDeviceIsRefusedSayingWhatIsFree() throws Exception {
    Outcome outcome = aliquot("run", "--gpu-memory", "64GiB", "--", "true");
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.err())
        .startsWith("aliquot: ")
        .contains("64 GiB were asked for")
        .contains("free");
    assertThat(aliquot("run", "--gpu-memory", "1MiB", "--device", "7", "--", "true").err())
        .startsWith("aliquot: ");
  }

  @Test
  void aPriorityThatIsNoneIsRefusedSayingWhichThereAre() throws Exception {
    Outcome outcome = aliquot("run", "--gpu-memory", "1MiB", "--priority", "urgent", "--", "true");
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).isEqualTo("aliquot: priority: 'urgent' is not low, normal or high\n");
  }

  @Test
  void aTenantIsEndedByName() throws Exception {
    Process sleeper =
        new ProcessBuilder(
                SelfCommand.of(
                    List.of(
                        "run",
                        "--state-dir",
                        state.toString(),
                        "--gpu-fraction",
                        "10",
                        "--name",
                        "sleeper",
                        "--priority",
                        "low",
                        "--",
                        "sleep",
                        "60")))
            .start();
    try {
      Eventually.soon(
          () -> assertThat(node().tenants()).extracting(TenantView::name).contains("sleeper"));
      assertThat(aliquot("status").out()).contains("sleeper", "starting, low priority");
      Outcome early = aliquot("wait", "sleeper", "--timeout", "0");
      assertThat(early.code()).isEqualTo(1);
      assertThat(early.err()).isEqualTo("aliquot: tenant sleeper is starting after 0 s\n");
      assertThat(aliquot("wait", "nobody").err()).contains("there is no tenant nobody");
      assertThat(aliquot("end", "sleeper").code()).isZero();
      assertThat(aliquot("end", "nobody").err()).contains("nobody");
    } finally {
      sleeper.destroyForcibly().waitFor();
    }
    awaitNoTenants();
  }

  @Test
  void aSecondAgentInTheSameStateFolderIsRefusedNamingTheFirst() throws Exception {
    Process second = startAgent("second.log");
    assertThat(second.waitFor(Eventually.PATIENCE)).isTrue();
    assertThat(second.exitValue()).isNotZero();
    assertThat(Files.readString(folder.resolve("second.log"))).contains(Long.toString(agent.pid()));
    assertThat(node().ready()).as("the first goes on").isTrue();
  }

  @Test
  void theSimulatorsToolWorksOnTheAgentsNode() throws Exception {
    assertThat(aliquot("simulate", "show").out()).contains("device 0: NVIDIA L4");
    assertThat(aliquot("simulate", "xid", "--device", "0", "--code", "13").code()).isZero();
    assertThat(aliquot("simulate", "xid", "--device", "99", "--code", "13").code()).isNotZero();
  }

  @Test
  void doctorFindsTheAgentAndAPreloadableInterposer() throws Exception {
    Outcome outcome = aliquot("doctor");
    assertThat(outcome.out())
        .contains("interposer     can be preloaded, silently", "running at " + state);
    assertThat(aliquot("doctor", "--json").out()).startsWith("[ {");
  }

  @Test
  void theDemoShowsEveryClaimAndLeavesNothing() throws Exception {
    Path place = PackedProgram.temporaryFolder("d");
    List<String> command = new ArrayList<>(SelfCommand.of(List.of("demo", "--simulated")));
    command.add(1, "-Djava.io.tmpdir=" + place);
    long began = System.nanoTime();
    Process demo = new ProcessBuilder(command).redirectErrorStream(true).start();
    String out = new String(demo.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(demo.waitFor()).as(out).isZero();
    assertThat(out)
        .contains("CUDA_ERROR_OUT_OF_MEMORY", "Every claim holds.")
        .doesNotContain("FAILED", "\u001b");
    System.out.printf(
        "the demo: %.1f s (the bar: 60 s)%n", (System.nanoTime() - began) / 1_000_000_000.0);
    assertThat(place).isEmptyDirectory();
    Files.delete(place);
  }

  @Test
  void anAgentOfAnotherUserMayNotSayWhatIsLoaded() throws Exception {
    org.junit.jupiter.api.Assumptions.assumeTrue(
        dev.aliquot.linux.Identity.effectiveUserId() == 0, "files of other users need root");
    Path foreign = Files.createDirectory(folder.resolve("foreign"));
    Files.writeString(foreign.resolve("admin.sock"), "");
    Files.setAttribute(foreign, "unix:uid", 4242);
    CommandFailure refused =
        org.assertj.core.api.Assertions.catchThrowableOfType(
            CommandFailure.class,
            () -> new AgentClient(foreign).create(java.util.Map.of("memoryBytes", 1L << 20)));
    assertThat(refused).hasMessageContaining("belongs to user 4242");
    assertThat(refused.exitCode()).isEqualTo(77);
  }
}
