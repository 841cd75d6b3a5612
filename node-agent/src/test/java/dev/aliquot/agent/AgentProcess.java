package dev.aliquot.agent;

import dev.aliquot.agent.view.TenantGrant;
import java.nio.file.Path;
import java.time.InstantSource;

/**
 * An agent in a process of its own, to be killed: makes one tenant of 2 GiB and prints "ID
 * DIRECTORY LD_PRELOAD".
 */
public final class AgentProcess {
  private AgentProcess() {}

  /**
   * Arguments: state directory, library directory, simulator's settings, pid of the tenant's root.
   */
  public static void main(String[] arguments) throws Exception {
    AgentOptions defaults =
        AgentOptions.defaults(Path.of(arguments[0]), "test").withSimulate(arguments[2]);
    AgentOptions options =
        new AgentOptions(
            defaults.stateDir(),
            defaults.nodeName(),
            defaults.version(),
            defaults.simulate(),
            null,
            null,
            Path.of(arguments[1]),
            defaults.headroomPercent(),
            defaults.headroomMinBytes(),
            defaults.samplePeriod(),
            defaults.agentWait());
    try (Agent agent = Agent.start(options, InstantSource.system())) {
      int root = Integer.parseInt(arguments[3]);
      TenantGrant grant =
          agent.createTenant(AgentFixture.spec("forked", 2L << 30, root), AgentFixture.peer(root));
      System.out.println(
          grant.id() + " " + grant.directory() + " " + grant.environment().get("LD_PRELOAD"));
      var _ = System.in.read(); // until it is killed, or the test is gone
    }
  }
}
