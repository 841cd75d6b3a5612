package dev.aliquot.agent;

import dev.aliquot.agent.pool.PoolOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;

/** An agent in a process of its own, to be killed, that carries on with the tenants it finds. */
public final class ServingProcess {
  private ServingProcess() {}

  /** Arguments: state directory, library directory, simulator's settings, the host pool's bytes. */
  public static void main(String[] arguments) throws Exception {
    AgentOptions options =
        new AgentOptions(
            Path.of(arguments[0]),
            "test",
            "test",
            arguments[2],
            null,
            null,
            Path.of(arguments[1]),
            3,
            256L << 20,
            Duration.ofMillis(500),
            Duration.ofSeconds(10),
            new PoolOptions(Long.parseLong(arguments[3]), 0L, 0));
    try (Agent agent = Agent.start(options, InstantSource.system())) {
      System.out.println("serving " + agent.view().tenants().size());
      Thread.sleep(120_000);
    }
  }
}
