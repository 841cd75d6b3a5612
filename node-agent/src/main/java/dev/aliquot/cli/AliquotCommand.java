package dev.aliquot.cli;

import dev.aliquot.cli.client.ExitCode;
import dev.aliquot.cli.demo.DemoCommand;
import dev.aliquot.cli.doctor.DoctorCommand;
import dev.aliquot.cli.health.HealthCommand;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The command without a subcommand: help. */
@Command(
    name = "aliquot",
    versionProvider = Version.class,
    description = "One GPU for many programs, each held to its own share of the memory.",
    footer = {
      "",
      "Examples:",
      "  aliquot demo",
      "  aliquot agent --simulate devices=2,memory=16GiB,model=H100",
      "  aliquot run --gpu-memory 4GiB -- python train.py",
      "  aliquot top",
    })
final class AliquotCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  @SuppressWarnings("UnusedVariable")
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help.")
  private boolean help;

  @SuppressWarnings("UnusedVariable")
  @Option(
      names = {"-V", "--version"},
      versionHelp = true,
      description = "Show the version.")
  private boolean version;

  /** Every subcommand by name, in the help's order; none is loaded before it is asked for. */
  static Map<String, Supplier<Object>> commands() {
    Map<String, Supplier<Object>> commands = new LinkedHashMap<>();
    commands.put("demo", DemoCommand::new);
    commands.put("agent", AgentCommand::new);
    commands.put("run", RunCommand::new);
    commands.put("status", StatusCommand::new);
    commands.put("top", TopCommand::new);
    commands.put("resize", ResizeCommand::new);
    commands.put("swap", SwapCommand::new);
    commands.put("wait", WaitCommand::new);
    commands.put("end", EndCommand::new);
    commands.put("health", HealthCommand::new);
    commands.put("simulate", SimulateCommand::new);
    commands.put("doctor", DoctorCommand::new);
    commands.put("bench", () -> new LauncherCommand("bench"));
    commands.put("test", () -> new LauncherCommand("test"));
    commands.put("reference", ReferenceCommand::new);
    return commands;
  }

  @Override
  public Integer call() {
    spec.commandLine().usage(spec.commandLine().getOut());
    return ExitCode.OK;
  }
}
