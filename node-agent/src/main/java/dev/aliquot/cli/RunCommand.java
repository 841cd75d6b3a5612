package dev.aliquot.cli;

import dev.aliquot.agent.view.TenantGrant;
import dev.aliquot.cli.client.AgentClient;
import dev.aliquot.cli.client.CommandFailure;
import dev.aliquot.cli.client.ExitCode;
import dev.aliquot.cli.client.StateDirOption;
import dev.aliquot.linux.Errno;
import dev.aliquot.linux.Exec;
import dev.aliquot.linux.LinuxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * Runs a command as a tenant. This process asks the agent for a tenant rooted in itself and then
 * becomes the command: same pid, terminal, signals and exit code, nothing in between.
 */
@Command(
    description = "Run a command with a share of a GPU's memory.",
    footer = {
      "",
      "Exit code: the command's own; 127 where it does not exist, 126 where it cannot be run,",
      "69 where no agent is running.",
      "",
      "Examples:",
      "  aliquot run --gpu-memory 4GiB -- python train.py",
      "  aliquot run --gpu-memory 5GiB --gpu-memory-limit 40GiB -- jupyter lab",
      "  aliquot run --gpu-fraction 25 --device 1 --name eval -- ./eval --batch 8",
    })
final class RunCommand implements Callable<Integer> {
  @Mixin private StateDirOption state = new StateDirOption();

  @Mixin private ShareOptions share = new ShareOptions();

  @Option(
      names = "--device",
      paramLabel = "N",
      description = "Index or UUID of a device; may be repeated (default: the one with most room).")
  private List<String> devices = new ArrayList<>();

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description = "What the tenant is called in aliquot status and top.")
  private String name = "";

  @Option(
      names = "--swap",
      paramLabel = "MODE",
      description =
          "never, allowed or preferred: whether it may be moved to host memory as a whole while"
              + " another needs its memory (default: as the agent is configured).")
  private @Nullable String swap;

  @Option(
      names = "--priority",
      paramLabel = "PRIORITY",
      description =
          "low, normal or high: who goes first where tenants compete for memory that nobody is"
              + " guaranteed (default: normal).")
  private @Nullable String priority;

  @Parameters(
      paramLabel = "CMD",
      arity = "1..*",
      description = "The command and its arguments, after --.")
  private List<String> command = List.of();

  /** The command's own options are not ours, with or without {@code --}. */
  @Spec
  void spec(CommandSpec run) {
    run.parser().stopAtPositional(true);
  }

  @Override
  public Integer call() throws CommandFailure {
    Map<String, Object> request = request();
    Map<String, String> environment = OwnProcess.environment();
    List<String> arguments = OwnProcess.lastArguments(command);
    Path program = find(arguments.getFirst(), environment.get("PATH"));
    AgentClient agent = state.agent();
    TenantGrant grant = agent.create(request);
    try {
      requireReadable(grant.environment().getOrDefault("LD_PRELOAD", ""));
    } catch (CommandFailure e) {
      end(agent, grant);
      throw e;
    }
    InheritedDescriptors.closeLaterOnes();
    try {
      throw Exec.replace(program, arguments, merged(environment, grant.environment()));
    } catch (LinuxException e) {
      end(agent, grant);
      throw failure(arguments.getFirst(), e);
    }
  }

  private Map<String, Object> request() throws CommandFailure {
    if (!share.hasRequest()) {
      throw new CommandFailure(
          ExitCode.USAGE, "say how much: --gpu-memory 4GiB or --gpu-fraction 25");
    }
    Map<String, Object> request = new LinkedHashMap<>();
    share.putInto(request);
    request.put("devices", devices);
    request.put("name", name);
    if (swap != null) {
      request.put("swap", swap);
    }
    if (priority != null) {
      request.put("priority", priority);
    }
    return request;
  }

  /**
   * The loader goes on without a library that it cannot open, and the command would be held to
   * nothing.
   */
  private static void requireReadable(String libraries) throws CommandFailure {
    for (String library : libraries.split(":", -1)) {
      if (!library.isEmpty() && !Files.isReadable(Path.of(library))) {
        throw new CommandFailure(
            ExitCode.NOT_PERMITTED,
            "this user cannot read "
                + library
                + ", which holds the command to its share: the agent's --library-dir and the"
                + " folders above it have to be passable for its users");
      }
    }
  }

  private static Path find(String command, @Nullable String path) throws CommandFailure {
    Path program = Exec.find(command, path).orElse(null);
    if (program == null || !Files.exists(program)) {
      throw new CommandFailure(ExitCode.NOT_FOUND, command + ": there is no such command");
    }
    if (Files.isDirectory(program)) {
      throw new CommandFailure(ExitCode.NOT_EXECUTABLE, command + ": is a folder, not a command");
    }
    if (!Files.isExecutable(program)) {
      throw new CommandFailure(ExitCode.NOT_EXECUTABLE, command + ": this user may not execute it");
    }
    return program;
  }

  /**
   * The command's environment: ours, and what the tenant needs; lists of libraries go before what
   * is there.
   */
  static Map<String, String> merged(Map<String, String> own, Map<String, String> granted) {
    Map<String, String> merged = new LinkedHashMap<>(own);
    granted.forEach(
        (variable, value) -> {
          String before = merged.getOrDefault(variable, "");
          boolean list = variable.equals("LD_PRELOAD") || variable.equals("LD_LIBRARY_PATH");
          merged.put(variable, list && !before.isEmpty() ? value + ":" + before : value);
        });
    return merged;
  }

  private static void end(AgentClient agent, TenantGrant grant) {
    try {
      agent.end(grant.id());
    } catch (CommandFailure agentIsGone) {
      // the tenant ends with this process, its root
      return;
    }
  }

  private static CommandFailure failure(String command, LinuxException e) {
    boolean missing = e.is(Errno.ENOENT);
    String why =
        missing
            ? "it, or the interpreter it names, does not exist"
            : String.valueOf(e.getMessage());
    return new CommandFailure(
        missing ? ExitCode.NOT_FOUND : ExitCode.NOT_EXECUTABLE, command + ": " + why);
  }
}
