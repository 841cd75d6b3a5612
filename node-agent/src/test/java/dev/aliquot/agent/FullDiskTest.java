package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.aliquot.agent.library.Libraries;
import dev.aliquot.agent.library.SimulatedNodes;
import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.TenantGrant;
import dev.aliquot.agent.view.TenantView;
import dev.aliquot.linux.Identity;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The state directory on a file system that fills up. Everything else is elsewhere. */
class FullDiskTest {
  private static final long MIB = 1L << 20;

  /** In that time the agent has looked at its tenants more than once. */
  private static final Duration REGULAR_LOOKS = Duration.ofMillis(2500);

  @TempDir private Path folder;
  private Path state = Path.of("");
  private AgentOptions options;
  private Agent agent;

  @BeforeEach
  void startAgent() throws Exception {
    assumeTrue(Identity.effectiveUserId() == 0, "mounting needs root");
    Path mount = Files.createDirectory(folder.resolve("m"));
    String said = run("mount", "-t", "tmpfs", "-o", "size=2m,mode=755", "none", mount.toString());
    assumeTrue(said.isEmpty(), "a tmpfs may not be mounted here: " + said);
    state = mount.resolve("s");
    Libraries.Simulator simulator =
        new Libraries(folder.resolve("lib")).simulator(folder.resolve("node"), 580);
    SimulatedNodes.provide(
        folder.resolve("node"), "devices=1,memory=8GiB,model=H100", simulator.tool(), false);
    options =
        new AgentOptions(
            state,
            "test",
            "test",
            null,
            simulator.nvml(),
            simulator.cuda(),
            folder.resolve("lib"),
            3,
            256 * MIB,
            Duration.ofMillis(250),
            Duration.ofSeconds(10));
    agent = Agent.start(options, InstantSource.system());
  }

  @AfterEach
  void stopAgent() throws Exception {
    if (agent != null) {
      agent.close();
    }
    if (state.isAbsolute()) {
      run("umount", "--lazy", folder.resolve("m").toString());
    }
  }

  private static String run(String... command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return process.waitFor() == 0 ? "" : said.strip() + " (" + process.exitValue() + ")";
  }

  private Path filler() {
    return folder.resolve("m/filler");
  }

  /** Fills the file system up but for so many bytes. */
  private void fillBut(long left) throws IOException {
    Files.deleteIfExists(filler());
    try (var file =
        Files.newByteChannel(filler(), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      long free = Files.getFileStore(filler()).getUsableSpace() - left;
      while (free > 0) {
        free -= file.write(java.nio.ByteBuffer.allocate((int) Math.min(free, 4096)));
      }
    }
  }

  private TenantGrant grant(String name) throws AgentException {
    int own = (int) ProcessHandle.current().pid();
    return agent.createTenant(AgentFixture.spec(name, 1024 * MIB, 0), AgentFixture.peer(own));
  }

  /** But for what the watch for faults writes whenever it likes. */
  private List<String> files() throws IOException {
    try (Stream<Path> files = Files.walk(state)) {
      return files
          .map(Path::toString)
          .filter(file -> !file.contains("health.json"))
          .sorted()
          .toList();
    }
  }

  private static Talker cuda(TenantGrant grant) {
    Talker talker = Talker.start(grant.environment(), CProgram.of("cuda_tenant"));
    assertThat(talker.say("init")).isEqualTo("0");
    return talker;
  }

  @Test
  void atWhateverByteItIsFullATenantIsRefusedWithTheCauseAndLeavesNothing() throws Exception {
    List<String> before = files();
    int refused = 0;
    boolean made = false;
    for (long left = 0; !made; left += 16 << 10) {
      fillBut(left);
      AgentException failure = catchThrowableOfType(AgentException.class, () -> grant("late"));
      made = failure == null;
      if (!made) {
        refused++;
        assertThat(failure.kind()).isEqualTo(AgentException.Kind.UNAVAILABLE);
        assertThat(failure)
            .as("%d bytes left", left)
            .hasMessageMatching(
                "the tenant's files cannot be made in [^\\n]*: No space left on device");
        assertThat(files()).isEqualTo(before);
        assertThat(agent.view().devices().getFirst().allocatedBytes()).isZero();
        assertThat(agent.view().tenants()).isEmpty();
      }
    }
    assertThat(refused)
        .as("both pages are written out before a tenant is served")
        .isGreaterThan(15);
    try (Talker program = cuda(grantOf("late"))) {
      assertThat(program.say("alloc " + 256 * MIB)).isEqualTo("0");
    }
  }

  @Test
  void whatIsLearntOfATenantMeanwhileIsSavedWhenThereIsSpaceAgain() throws Exception {
    TenantGrant running = grant("running");
    Path record = state.resolve("registry").resolve(running.id() + ".json");
    try (Talker stays = cuda(running);
        Talker goes = cuda(running)) {
      assertThat(goes.say("alloc " + 1024 * MIB)).as("beyond the share").isEqualTo("2");
      fillBut(0);
      goes.kill();
      Instant full = Instant.now();
      Eventually.soon(() -> assertThat(agent.view().sampled()).isAfter(full.plus(REGULAR_LOOKS)));
      assertThat(Files.readString(record)).as("could not be saved").containsPattern(refusals(0));
      Files.delete(filler());
      Eventually.soon(() -> assertThat(Files.readString(record)).containsPattern(refusals(1)));
      assertThat(stays.say("alloc " + 2 * MIB)).isEqualTo("0");
    }
  }

  private static String refusals(int count) {
    return "\"refusals\" *: *" + count + "\\b";
  }

  private TenantGrant grantOf(String name) throws AgentException {
    agent.endTenant(name, AgentFixture.peer((int) ProcessHandle.current().pid()));
    return grant(name);
  }

  @Test
  void runningTenantsNoticeNothingAndTheAgentGoesOnWhenThereIsSpaceAgain() throws Exception {
    TenantGrant running = grant("running");
    try (Talker first = cuda(running)) {
      fillBut(0);
      assertThat(first.say("alloc " + 256 * MIB)).isEqualTo("0");
      assertThat(first.say("alloc " + 1024 * MIB)).as("beyond the share").isEqualTo("2");
      try (Talker second = cuda(running)) {
        assertThat(second.say("alloc " + 2 * MIB)).isEqualTo("0");
      }
      assertThat(catchThrowableOfType(AgentException.class, () -> grant("late"))).isNotNull();
      agent.close();
      agent = Agent.start(options, InstantSource.system());
      assertThat(first.say("alloc " + 2 * MIB)).as("of an agent that starts now").isEqualTo("0");
      assertThat(first.say("alloc " + 1024 * MIB)).isEqualTo("2");

      Files.delete(filler());
      try (Talker late = cuda(grant("late"))) {
        assertThat(late.say("alloc " + 256 * MIB)).isEqualTo("0");
      }
      Eventually.soon(
          () ->
              assertThat(agent.view().tenants())
                  .filteredOn(tenant -> tenant.name().equals("running"))
                  .singleElement()
                  .extracting(TenantView::refusals)
                  .isEqualTo(2L));
    }
  }
}
