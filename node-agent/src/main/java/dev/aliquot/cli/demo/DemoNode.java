package dev.aliquot.cli.demo;

import dev.aliquot.agent.view.NodeView;
import dev.aliquot.cli.client.AgentClient;
import dev.aliquot.cli.client.CommandFailure;
import dev.aliquot.cli.client.ExitCode;
import dev.aliquot.cli.program.PackedProgram;
import dev.aliquot.cli.program.SelfCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The demo's own agent in its own folder; {@link #close} ends the agent and removes the folder. */
final class DemoNode implements AutoCloseable {
  private static final Duration READY = Duration.ofSeconds(20);

  private final Path folder;
  private final Process agent;
  private final AgentClient client;

  private DemoNode(Path folder, Process agent, AgentClient client) {
    this.folder = folder;
    this.agent = agent;
    this.client = client;
  }

  /** Starts an agent in {@code folder}; {@code simulate} null: the machine's own driver. */
  static DemoNode start(Path folder, @Nullable String simulate)
      throws CommandFailure, InterruptedException {
    Path stateDir = folder.resolve("state");
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "agent",
                "--state-dir",
                stateDir.toString(),
                "--http-port",
                "0",
                "--sample-period",
                "250ms"));
    arguments.addAll(List.of("--log-level", "warn", "--log-format", "text"));
    if (simulate != null) {
      arguments.addAll(List.of("--simulate", simulate));
    }
    try {
      Process agent =
          new ProcessBuilder(SelfCommand.of(arguments))
              .redirectErrorStream(true)
              .redirectOutput(folder.resolve("agent.log").toFile())
              .start();
      DemoNode node = new DemoNode(folder, agent, new AgentClient(stateDir));
      node.awaitReady();
      return node;
    } catch (IOException e) {
      throw new CommandFailure(ExitCode.FAILED, "cannot start an agent: " + e.getMessage());
    }
  }

  private void awaitReady() throws CommandFailure, InterruptedException {
    long end = System.nanoTime() + READY.toNanos();
    while (System.nanoTime() < end && agent.isAlive()) {
      try {
        if (client.node().ready()) {
          return;
        }
      } catch (CommandFailure notYet) {
        // asked again below
      }
      Thread.sleep(50);
    }
    String log = log();
    close();
    throw new CommandFailure(ExitCode.FAILED, "the demo's agent did not become ready:\n" + log);
  }

  /** What the agent has logged. */
  String log() {
    try {
      return Files.readString(folder.resolve("agent.log"));
    } catch (IOException e) {
      return "";
    }
  }

  Path stateDir() {
    return client.stateDir();
  }

  NodeView view() throws CommandFailure {
    return client.node();
  }

  @Override
  public void close() {
    agent.destroy();
    try {
      if (!agent.waitFor(12, TimeUnit.SECONDS)) {
        agent.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      agent.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    PackedProgram.delete(folder);
  }
}
