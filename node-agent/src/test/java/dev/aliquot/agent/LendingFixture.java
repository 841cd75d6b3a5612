package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.config.KeeperPolicy;
import dev.aliquot.agent.config.OutPolicy;
import dev.aliquot.agent.http.Json;
import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.agent.view.TenantGrant;
import dev.aliquot.agent.view.TenantView;
import dev.aliquot.ledger.Priority;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The agent in a process of its own, which opens the CUDA driver for its host pool and may be
 * killed; programs that compute all the time; one simulated device.
 */
abstract class LendingFixture extends AgentFixture {
  /** A bound: no more is taken than is moved. */
  static final long POOL = 12 * GIB;

  Talker serving;
  KeeperPolicy keepers = KeeperPolicy.REPORT;

  /** How long processes wait for an agent that is away; they wait most of that for each other. */
  Duration agentWait = Duration.ofSeconds(10);

  /** After how long a tenant counts as idle: where nothing else is said, none does. */
  Duration idleAfter = Duration.ofHours(1);

  /** After how long one that is out goes deep; null: by command only. */
  @Nullable Duration deepAfter;

  /** What becomes of tenants of a device that is out. */
  OutPolicy whenOut = OutPolicy.KEEP;

  /** Of the tenants that are made from now on. */
  Priority priority = Priority.NORMAL;

  /** Serves a device that the other tests' agents do not know. */
  void serveDevice(long memoryBytes, long contextBytes) {
    agent.close();
    options =
        options.withSimulate(
            "devices=1,memory=" + memoryBytes + ",model=H100,context=" + contextBytes);
    serving = serve(POOL);
    assertThat(serving.answer()).isEqualTo("serving 0");
  }

  /** What the processes of a new tenant are started with. */
  Map<String, String> environment(String name, long requestBytes, long limitBytes)
      throws IOException {
    String grant =
        serving.say(
            "grant %s %d %d %d %s".formatted(name, requestBytes, limitBytes, ownPid(), priority));
    return Json.read(grant.getBytes(StandardCharsets.UTF_8), TenantGrant.class).environment();
  }

  /** A program that computes, in a tenant of its own. */
  Talker cuda(String name, long requestBytes, long limitBytes) throws IOException {
    return talk(environment(name, requestBytes, limitBytes), CProgram.of("working_tenant"));
  }

  private Talker serve(long poolBytes) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                options.stateDir().resolveSibling("d").toString(),
                String.valueOf(options.libraryDir()),
                String.valueOf(options.simulate()),
                Long.toString(poolBytes),
                "-",
                keepers.name(),
                Long.toString(agentWait.toSeconds()),
                Long.toString(idleAfter.toMillis())));
    arguments.add(deepAfter == null ? "-" : Long.toString(deepAfter.toMillis()));
    arguments.add(whenOut.name());
    return serveApart(arguments.toArray(String[]::new));
  }

  /** The agent is killed, and another one carries on. */
  void serveAgain(long poolBytes, int tenants) {
    serving.kill();
    serving = serve(poolBytes);
    assertThat(serving.answer()).isEqualTo("serving " + tenants);
  }

  NodeView node() {
    return Json.read(serving.say("view").getBytes(StandardCharsets.UTF_8), NodeView.class);
  }

  TenantView tenant(String name) {
    return node().tenants().stream()
        .filter(tenant -> tenant.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  /** Answers how long the allocation took. */
  static Duration grow(Talker tenant, long bytes) {
    String[] answer = tenant.say("grow " + bytes).split(" ");
    assertThat(answer[0]).isEqualTo(SUCCESS);
    return Duration.ofNanos(Long.parseLong(answer[1]) * 1000);
  }

  /** The program has checked all its data since, and every word was right. */
  static void assertComputesRight(Talker tenant) {
    long before = rounds(tenant);
    Eventually.within(Eventually.TURNS, () -> assertThat(rounds(tenant)).isGreaterThan(before + 1));
  }

  static long rounds(Talker tenant) {
    String[] report = tenant.say("report").split(" ");
    assertThat(report[0]).isNotEqualTo("error");
    assertThat(report[1]).as("wrong words").isEqualTo("0");
    return Long.parseLong(report[0]);
  }
}
