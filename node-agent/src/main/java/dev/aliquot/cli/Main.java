package dev.aliquot.cli;

import dev.aliquot.agent.config.ConfigException;
import dev.aliquot.cli.client.CommandFailure;
import dev.aliquot.cli.client.ExitCode;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import picocli.CommandLine;

/** The {@code aliquot} program. */
public final class Main {
  private Main() {}

  /** Runs a command and ends the process with its exit code. */
  public static void main(String[] arguments) {
    if (arguments.length > 0 && arguments[0].equals("run")) {
      InheritedDescriptors.remember();
    }
    System.exit(execute(arguments));
  }

  /** Runs a command, answering with its exit code. */
  public static int execute(String... arguments) {
    CommandLine line = commandLine(arguments.length == 0 ? "" : arguments[0]);
    line.setExecutionExceptionHandler(
        (failure, failed, parsed) -> explain(failed.getErr(), failure));
    line.setParameterExceptionHandler((wrong, given) -> explainUsage(wrong));
    return line.execute(arguments);
  }

  /** Only the command that is called is loaded; all of them where none is named, for the help. */
  static CommandLine commandLine(String first) {
    CommandLine line = new CommandLine(new AliquotCommand());
    Map<String, Supplier<Object>> known = AliquotCommand.commands();
    List<String> wanted = known.containsKey(first) ? List.of(first) : List.copyOf(known.keySet());
    for (String name : wanted) {
      Supplier<Object> command = known.get(name);
      if (command != null) {
        line.addSubcommand(name, command.get());
      }
    }
    return line;
  }

  private static int explainUsage(CommandLine.ParameterException wrong) {
    CommandLine line = wrong.getCommandLine();
    PrintWriter err = line.getErr();
    err.println("aliquot: " + wrong.getMessage());
    CommandLine.UnmatchedArgumentException.printSuggestions(wrong, err);
    err.println("aliquot: see " + line.getCommandSpec().qualifiedName() + " --help");
    return ExitCode.USAGE;
  }

  private static int explain(PrintWriter err, Exception failure) throws Exception {
    if (failure instanceof CommandFailure expected) {
      err.println("aliquot: " + expected.getMessage());
      return expected.exitCode();
    }
    if (failure instanceof ConfigException wrong) {
      wrong.faults().forEach(fault -> err.println("aliquot: " + fault));
      return ExitCode.USAGE;
    }
    throw failure;
  }
}
