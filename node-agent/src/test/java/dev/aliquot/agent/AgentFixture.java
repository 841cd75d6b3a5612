package dev.aliquot.agent;

import dev.aliquot.agent.health.HealthOptions;
import dev.aliquot.agent.pool.Lending;
import dev.aliquot.agent.pool.PoolOptions;
import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.DeviceView;
import dev.aliquot.agent.view.TenantGrant;
import dev.aliquot.agent.view.TenantResize;
import dev.aliquot.agent.view.TenantSpec;
import dev.aliquot.agent.view.TenantView;
import dev.aliquot.linux.Identity;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * The real agent and real processes on a simulated node of devices of 8 GiB, two where a class does
 * not say otherwise. Processes are this test's children, so a tenant whose root is this test's own
 * process owns all of them; one with another root owns only that root's.
 */
abstract class AgentFixture {
  static final long MIB = 1L << 20;
  static final long GIB = 1L << 30;
  static final long CONTEXT = 256 * MIB;
  static final String SUCCESS = "0";
  static final String OUT_OF_MEMORY = "2";

  private final List<Talker> talkers = new CopyOnWriteArrayList<>();
  private Path directory;
  AgentOptions options;
  Agent agent;

  @BeforeEach
  void startAgent() throws Exception {
    directory = makeDirectory();
    AgentOptions defaults = AgentOptions.defaults(directory.resolve("s"), "test");
    options =
        new AgentOptions(
                defaults.stateDir(),
                "test",
                "test",
                null,
                null,
                null,
                directory.resolve("lib"),
                3,
                256 * MIB,
                Duration.ofMillis(500),
                Duration.ofSeconds(10))
            // a process has one CUDA driver: the pool is tried in processes of their own
            .withHostPool(new PoolOptions(0L, 0L, 0, Lending.ALWAYS))
            .withHealth(health())
            .withSimulate(
                "devices=" + devices() + ",memory=" + 8 * GIB + ",model=H100,context=" + CONTEXT);
    agent = Agent.start(options, InstantSource.system());
  }

  @AfterEach
  void stopAgent() throws IOException {
    endProcesses();
    agent.close();
    removeDirectory(directory);
  }

  /** Where the agent of one test lives; a class whose tests share a node overrides both. */
  Path makeDirectory() throws IOException {
    return Files.createTempDirectory("alq");
  }

  /** Of the simulated node. */
  int devices() {
    return 2;
  }

  /** How faults are watched for. */
  HealthOptions health() {
    return HealthOptions.DEFAULTS.withHold(Duration.ofSeconds(1));
  }

  void removeDirectory(Path directory) throws IOException {
    try (var files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }

  void endProcesses() {
    talkers.forEach(Talker::close);
  }

  static int ownPid() {
    return (int) ProcessHandle.current().pid();
  }

  static Peer peer(int pid) {
    return new Peer(pid, Identity.effectiveUserId(), Identity.effectiveGroupId());
  }

  static TenantSpec spec(String name, long memoryBytes, int rootPid) {
    return new TenantSpec(name, "", "", "", List.of("0"), memoryBytes, null, rootPid);
  }

  /** A tenant whose processes are this test's children. */
  TenantGrant grant(String name, long memoryBytes) throws AgentException {
    return agent.createTenant(spec(name, memoryBytes, 0), peer(ownPid()));
  }

  Talker talk(Map<String, String> environment, Path program, String... arguments) {
    return untilTheEnd(Talker.start(environment, program, arguments));
  }

  /** An agent in a process of its own; the arguments are {@link ServingProcess#main}'s. */
  Talker serveApart(String... arguments) {
    return untilTheEnd(ServingProcess.start(arguments));
  }

  private Talker untilTheEnd(Talker talker) {
    talkers.add(talker);
    return talker;
  }

  /** The same with a limit above the request. */
  TenantGrant grant(String name, long memoryBytes, long limitBytes) throws AgentException {
    return agent.createTenant(
        new TenantSpec(name, "", "", "", List.of("0"), memoryBytes, null, 0)
            .withLimitBytes(limitBytes),
        peer(ownPid()));
  }

  void resize(String name, TenantResize change) throws AgentException {
    agent.resizeTenant(name, change, peer(ownPid()));
  }

  /** A CUDA program in a tenant. */
  Talker cuda(TenantGrant grant) {
    return talk(grant.environment(), CProgram.of("cuda_tenant"));
  }

  /** A CUDA program in a tenant, with its context. */
  Talker cudaReady(TenantGrant grant) {
    Talker program = cuda(grant);
    String result = program.say("init");
    if (!result.equals(SUCCESS)) {
      throw new AssertionError("cuInit answered " + result);
    }
    return program;
  }

  /** A process that only speaks the protocol. */
  Talker raw(TenantGrant grant) {
    return talk(Map.of(), CProgram.of("raw_tenant"), grant.directory());
  }

  TenantView view(String name) {
    return agent.view().tenants().stream()
        .filter(tenant -> tenant.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no tenant " + name));
  }

  boolean exists(String name) {
    return agent.view().tenants().stream().anyMatch(tenant -> tenant.name().equals(name));
  }

  DeviceView device() {
    return agent.view().devices().getFirst();
  }

  /** Ends a tenant as this test's own user. */
  void end(String idOrName) throws AgentException {
    agent.endTenant(idOrName, peer(ownPid()));
  }

  /** Does something to the simulated node, with its tool; the action first, without the folder. */
  void simulate(String action, String... arguments) throws Exception {
    simulateAt(options.stateDir().resolve("node"), action, arguments);
  }

  void simulateAt(Path node, String action, String... arguments) throws Exception {
    Path tool;
    try (var files = Files.walk(options.stateDir().resolveSibling("lib"))) {
      tool = files.filter(file -> file.endsWith("aliquot-sim")).findFirst().orElseThrow();
    }
    List<String> command = new ArrayList<>();
    command.addAll(List.of(tool.toString(), action, node.toString()));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new AssertionError(command + ": " + output);
    }
  }

  void restartAgent() throws AgentException {
    agent.close();
    agent = Agent.start(options, InstantSource.system());
  }
}
