package dev.aliquot.cli.client;

import dev.aliquot.agent.config.MachineDefaults;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * {@code --state-dir}, as every command has it: the flag, else ALIQUOT_STATE_DIR, else this user's
 * folder.
 */
public final class StateDirOption {
  @Option(
      names = "--state-dir",
      paramLabel = "DIR",
      description =
          "The agent's state folder (default: /run/aliquot for root, else"
              + " $$XDG_RUNTIME_DIR/aliquot).")
  private @Nullable Path given;

  @SuppressWarnings("UnusedVariable")
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help.")
  private boolean help;

  /** The folder. */
  public Path path() {
    if (given != null) {
      return given.toAbsolutePath().normalize();
    }
    String fromEnvironment = System.getenv("ALIQUOT_STATE_DIR");
    return fromEnvironment != null && fromEnvironment.startsWith("/")
        ? Path.of(fromEnvironment)
        : MachineDefaults.stateDir(System.getenv(), MachineDefaults.ownUid());
  }

  /** The agent there; nothing is contacted yet. */
  public AgentClient agent() {
    return new AgentClient(path());
  }
}
