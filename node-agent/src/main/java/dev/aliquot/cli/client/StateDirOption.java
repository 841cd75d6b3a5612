package dev.aliquot.cli.client;

import dev.aliquot.agent.config.MachineDefaults;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * {@code --state-dir}, as every command has it: the flag, else ALIQUOT_STATE_DIR, else this user's
 * folder, or root's where only root has an agent.
 */
public final class StateDirOption {
  @Option(
      names = "--state-dir",
      paramLabel = "DIR",
      description =
          "The agent's state folder (default: that of this user's own agent, else of root's,"
              + " /run/aliquot).")
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
        : served(
            MachineDefaults.stateDir(System.getenv(), MachineDefaults.ownUid()),
            MachineDefaults.stateDir(System.getenv(), 0));
  }

  /** Root's agent serves every user, so it is the one that is meant where there is no own. */
  static Path served(Path own, Path roots) {
    return !hasAgent(own) && hasAgent(roots) ? roots : own;
  }

  private static boolean hasAgent(Path folder) {
    return Files.exists(folder.resolve("admin.sock"));
  }

  /** The agent there; nothing is contacted yet. */
  public AgentClient agent() {
    return new AgentClient(path());
  }
}
