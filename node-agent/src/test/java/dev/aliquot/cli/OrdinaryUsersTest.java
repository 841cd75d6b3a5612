package dev.aliquot.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.agent.view.TenantView;
import dev.aliquot.cli.UserProgram.Outcome;
import dev.aliquot.cli.UserProgram.User;
import dev.aliquot.cli.client.AgentClient;
import dev.aliquot.cli.client.CommandFailure;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Root's agent and the users of the machine: members of its group, and others. */
class OrdinaryUsersTest {
  private static final long MIB = 1L << 20;
  private static final int GROUP = 64999;
  private static final User MEMBER = new User(65534, List.of(GROUP));
  private static final User OTHER_MEMBER = new User(65533, List.of(GROUP));
  private static final User OUTSIDER = new User(65532, List.of());

  private static UserProgram program;
  private static Path state;
  private static Process agent;

  @BeforeAll
  static void startAgent() throws Exception {
    program = UserProgram.install();
    state = program.folder().resolve("s");
    agent =
        program.start(
            User.ROOT,
            Map.of(),
            program.folder().resolve("agent.log"),
            "agent",
            "--state-dir",
            state.toString(),
            "--http-port",
            "0",
            "--admin-group",
            Integer.toString(GROUP),
            "--sample-period",
            "250ms",
            "--agent-wait",
            "2s",
            "--simulate",
            "devices=1,memory=4GiB,model=L4,context=64MiB");
    Eventually.soon(() -> assertThat(node().ready()).isTrue());
  }

  @AfterAll
  static void stopAgent() throws Exception {
    if (program != null) {
      agent.destroy();
      try {
        assertThat(agent.waitFor(15, TimeUnit.SECONDS)).isTrue();
      } finally {
        agent.destroyForcibly().waitFor();
        program.close();
      }
    }
  }

  private static NodeView node() throws CommandFailure {
    return new AgentClient(state).node();
  }

  private static TenantView tenant(String name) throws CommandFailure {
    return node().tenants().stream()
        .filter(tenant -> tenant.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no tenant " + name));
  }

  private static boolean exists(String name) throws CommandFailure {
    return node().tenants().stream().anyMatch(tenant -> tenant.name().equals(name));
  }

  private static Outcome aliquot(User user, String command, String... arguments) throws Exception {
    String[] all = new String[arguments.length + 3];
    all[0] = command;
    all[1] = "--state-dir";
    all[2] = state.toString();
    System.arraycopy(arguments, 0, all, 3, arguments.length);
    return program.run(user, Map.of(), all);
  }

  /** A CUDA program in a tenant of 512 MiB, with its context. */
  private static Talker cuda(User user, String name) {
    Talker talker =
        program.talk(
            user,
            Map.of(),
            "run",
            "--state-dir",
            state.toString(),
            "--gpu-memory",
            "512MiB",
            "--name",
            name,
            "--",
            CProgram.of("cuda_tenant").toString());
    assertThat(talker.say("init")).isEqualTo("0");
    return talker;
  }

  @Test
  void aMemberOfTheGroupHasAShareAndIsHeldToIt() throws Exception {
    try (Talker mine = cuda(MEMBER, "mine")) {
      assertThat(mine.say("total")).isEqualTo(Long.toString(512 * MIB));
      assertThat(mine.say("alloc " + 256 * MIB)).isEqualTo("0");
      assertThat(mine.say("alloc " + 256 * MIB)).as("beyond the share").isEqualTo("2");
      Eventually.soon(() -> assertThat(tenant("mine").usedBytes()).isEqualTo(320 * MIB));
      assertThat(tenant("mine").processes())
          .singleElement()
          .extracting("pid")
          .isEqualTo(mine.pid());
      Outcome status = aliquot(MEMBER, "status");
      assertThat(status.out()).as(status.err()).contains("mine", "512 MiB");
      assertThat(aliquot(MEMBER, "top", "--once").out()).contains("mine", "GPU 0");
      Outcome end = aliquot(MEMBER, "end", "mine");
      assertThat(end.code()).as(end.err()).isZero();
      assertThat(mine.say("alloc " + 2 * MIB)).as("an ended tenant").isEqualTo("2");
    }
    Eventually.soon(() -> assertThat(exists("mine")).isFalse());
  }

  @Test
  void nobodyButItsUserAndRootEndsATenant() throws Exception {
    try (Talker roots = cuda(User.ROOT, "roots");
        Talker members = cuda(MEMBER, "members")) {
      Outcome refused = aliquot(MEMBER, "end", "roots");
      assertThat(refused.code()).isEqualTo(77);
      assertThat(refused.err())
          .isEqualTo(
              "aliquot: tenant roots belongs to user 0, who may end it; ask the node's"
                  + " administrator\n");
      assertThat(aliquot(OTHER_MEMBER, "end", tenant("members").id()).code()).isEqualTo(77);
      assertThat(tenant("roots").state()).isEqualTo("running");
      assertThat(tenant("members").state()).isEqualTo("running");
      assertThat(roots.say("alloc " + 256 * MIB)).isEqualTo("0");
      assertThat(members.say("alloc " + 256 * MIB)).isEqualTo("0");
      assertThat(aliquot(User.ROOT, "end", "members").code()).isZero();
    }
  }

  @Test
  void aUserOutsideTheGroupIsToldSoInOneSentence() throws Exception {
    String sentence =
        "aliquot: this user may not use the agent at "
            + state
            + "; run as root, or as a member of the agent's admin-group\n";
    Outcome run = aliquot(OUTSIDER, "run", "--gpu-memory", "256MiB", "--", "true");
    assertThat(run.code()).isEqualTo(77);
    assertThat(run.err()).isEqualTo(sentence);
    Outcome end = aliquot(OUTSIDER, "end", "roots");
    assertThat(end.code()).isEqualTo(77);
    assertThat(end.err()).isEqualTo(sentence);
    Outcome status = aliquot(OUTSIDER, "status");
    assertThat(status.code()).as("anyone on the machine may look: %s", status.err()).isZero();
    assertThat(status.out()).contains("NVIDIA L4");
  }

  @Test
  void aCommandWhoseLibraryCannotBeReadIsNotRunUnlimited() throws Exception {
    Path libraries = state.resolve("lib");
    Files.setPosixFilePermissions(libraries, PosixFilePermissions.fromString("rwx------"));
    try {
      Outcome run =
          aliquot(MEMBER, "run", "--gpu-memory", "256MiB", "--name", "loose", "--", "echo", "ran");
      assertThat(run.out()).isEmpty();
      assertThat(run.code()).isEqualTo(77);
      assertThat(run.err())
          .matches("aliquot: this user cannot read \\S+/libaliquot-cuda\\.so, which [^\\n]+\\n");
    } finally {
      Files.setPosixFilePermissions(libraries, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
    Eventually.soon(() -> assertThat(exists("loose")).isFalse());
  }

  private static boolean may(User user, String access, Path file) throws Exception {
    return new ProcessBuilder(user.command(List.of("test", access, file.toString())))
            .start()
            .waitFor()
        == 0;
  }

  private static Map<String, String> environment(int pid) throws Exception {
    Map<String, String> environment = new HashMap<>();
    for (String entry :
        Files.readString(Path.of("/proc/" + pid + "/environ"), StandardCharsets.UTF_8)
            .split("\0", -1)) {
      int equals = entry.indexOf('=');
      if (equals > 0) {
        environment.put(entry.substring(0, equals), entry.substring(equals + 1));
      }
    }
    return environment;
  }

  @Test
  void aTenantsSocketAndReportAreItsUsersAlone() throws Exception {
    try (Talker mine = cuda(MEMBER, "private")) {
      Path directory = state.resolve("tenants").resolve(tenant("private").id());
      for (String file : List.of("agent.sock", "usage")) {
        assertThat(may(MEMBER, "-w", directory.resolve(file))).as(file).isTrue();
        assertThat(may(OTHER_MEMBER, "-w", directory.resolve(file))).as(file).isFalse();
        assertThat(may(OUTSIDER, "-r", directory.resolve(file))).as(file).isFalse();
      }
      assertThat(may(MEMBER, "-w", directory.resolve("control"))).isFalse();
      assertThat(may(MEMBER, "-r", state.resolve("registry"))).isFalse();
      assertThat(may(MEMBER, "-r", state.resolve("tenants"))).isFalse();

      List<String> intrude = OTHER_MEMBER.command(List.of(CProgram.of("cuda_tenant").toString()));
      try (Talker intruder =
          Talker.start(
              environment(mine.pid()), Path.of("/usr/bin/env"), intrude.toArray(String[]::new))) {
        assertThat(intruder.say("init")).as("cuInit of another user in it").isEqualTo("802");
      }
      assertThat(tenant("private").processes()).hasSize(1);
    }
  }
}
