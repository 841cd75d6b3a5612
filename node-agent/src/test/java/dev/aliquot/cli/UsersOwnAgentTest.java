package dev.aliquot.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.cli.UserProgram.Outcome;
import dev.aliquot.cli.UserProgram.User;
import dev.aliquot.cli.client.AgentClient;
import dev.aliquot.cli.program.PackedProgram;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** An agent that is not root's, in its default folder, as on a workstation. */
class UsersOwnAgentTest {
  private static final long MIB = 1L << 20;

  /** Nobody else's, also not that of another run of this test. */
  private static final User OWNER =
      new User(100_000 + (int) (ProcessHandle.current().pid() % 900_000), List.of());

  private static final User OTHER = new User(99_999, List.of());

  private static UserProgram program;

  @BeforeAll
  static void install() throws Exception {
    program = UserProgram.install();
  }

  @AfterAll
  static void remove() {
    if (program != null) {
      program.close();
    }
  }

  @Test
  void inTheRuntimeDirectoryOfTheSession() throws Exception {
    Path runtime = program.folderOf(OWNER, "runtime");
    String state = runtime.resolve("aliquot").toString();
    serves(
        Map.of("XDG_RUNTIME_DIR", runtime.toString()),
        state,
        "this user may not look into "
            + state
            + ", which is another user's; use an agent of root's or your own");
  }

  @Test
  void inTheTemporaryFolderWhereThereIsNoSession() throws Exception {
    String state = "/tmp/aliquot-" + OWNER.uid();
    try {
      serves(
          Map.of(),
          state,
          state
              + " belongs to user "
              + OWNER.uid()
              + ", who could make your program load anything; use an agent of root's or your own");
    } finally {
      PackedProgram.delete(Path.of(state));
    }
  }

  private static void serves(Map<String, String> environment, String state, String refusal)
      throws Exception {
    Path log = program.folder().resolve("agent.log");
    Process agent =
        program.start(
            OWNER,
            environment,
            log,
            "agent",
            "--http-port",
            "0",
            "--simulate",
            "devices=1,memory=2GiB,model=L4,context=64MiB");
    try {
      Eventually.soon(
          () ->
              assertThat(new AgentClient(Path.of(state)).node().ready())
                  .as(Files.readString(log))
                  .isTrue());
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(Path.of(state))))
          .isEqualTo("rwx------");
      ownTenantIsHeldToItsShare(environment);
      Outcome run =
          program.run(
              OTHER, Map.of(), "run", "--state-dir", state, "--gpu-memory", "1MiB", "--", "true");
      assertThat(run.err()).isEqualTo("aliquot: " + refusal + "\n");
      assertThat(run.code()).isEqualTo(77);
      Outcome status = program.run(OTHER, Map.of(), "status", "--state-dir", state);
      assertThat(status.code()).as(status.err()).isEqualTo(77);
      assertThat(status.err().lines()).hasSize(1);
      agent.destroy();
      assertThat(agent.waitFor(15, TimeUnit.SECONDS)).isTrue();
      assertThat(agent.exitValue()).as(Files.readString(log)).isZero();
    } finally {
      agent.destroyForcibly().waitFor();
    }
  }

  private static void ownTenantIsHeldToItsShare(Map<String, String> environment) throws Exception {
    try (Talker own =
        program.talk(
            OWNER,
            environment,
            "run",
            "--gpu-memory",
            "512MiB",
            "--name",
            "own",
            "--",
            CProgram.of("cuda_tenant").toString())) {
      assertThat(own.say("init")).isEqualTo("0");
      assertThat(own.say("alloc " + 256 * MIB)).isEqualTo("0");
      assertThat(own.say("alloc " + 256 * MIB)).as("beyond the share").isEqualTo("2");
      Outcome status = program.run(OWNER, environment, "status");
      assertThat(status.code()).as(status.err()).isZero();
      assertThat(status.out()).containsPattern("own .* 512 MiB");
    }
  }
}
