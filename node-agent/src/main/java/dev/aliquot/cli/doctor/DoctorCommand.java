package dev.aliquot.cli.doctor;

import dev.aliquot.agent.http.Json;
import dev.aliquot.agent.limits.LimitsOptions;
import dev.aliquot.cli.client.ExitCode;
import dev.aliquot.cli.client.StateDirOption;
import dev.aliquot.cli.screen.Ansi;
import dev.aliquot.cli.screen.Terminal;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Says what this machine can do. */
@Command(
    description = "Say what this machine can do, and for each lack what to do about it.",
    footer = {
      "",
      "Exit code: 0 unless something makes even a simulated node impossible.",
      "",
      "Examples:",
      "  aliquot doctor",
      "  aliquot doctor --json"
    })
public final class DoctorCommand implements Callable<Integer> {
  @Mixin private StateDirOption state = new StateDirOption();

  @Option(names = "--json", description = "As JSON.")
  private boolean json;

  @Option(names = "--nvml-library", paramLabel = "FILE", description = "Look at this NVML library.")
  private @Nullable Path nvmlLibrary;

  @Option(
      names = "--cuda-library",
      paramLabel = "FILE",
      description = "Look at this CUDA driver library.")
  private @Nullable Path cudaLibrary;

  @Option(
      names = "--cgroup-root",
      paramLabel = "FOLDER",
      description = "Where cgroup version 2 is mounted (default: /sys/fs/cgroup).")
  private Path cgroupRoot = LimitsOptions.DEFAULTS.cgroupRoot();

  @Option(
      names = "--kubelet-dir",
      paramLabel = "FOLDER",
      description = "The kubelet's folder (default: /var/lib/kubelet).")
  private Path kubeletDir = Path.of("/var/lib/kubelet");

  @Override
  public Integer call() {
    List<Finding> findings = new ArrayList<>();
    findings.add(
        Finding.ok(
            "java",
            System.getProperty("java.runtime.version", "unknown")
                + " in "
                + System.getProperty("java.home")));
    findings.addAll(new DriverChecks(nvmlLibrary, cudaLibrary, cgroupRoot).findings());
    findings.addAll(new MachineChecks(state.path()).findings());
    KubeletChecks.finding(kubeletDir).ifPresent(findings::add);
    PrintStream out = Terminal.utf8Out();
    if (json) {
      out.println(Json.pretty(findings));
    } else {
      print(findings, out, Terminal.colours(System.getenv()));
    }
    out.flush();
    boolean broken = findings.stream().anyMatch(finding -> finding.state() == Finding.State.BROKEN);
    return broken ? ExitCode.FAILED : ExitCode.OK;
  }

  private static void print(List<Finding> findings, PrintStream out, Ansi ansi) {
    for (Finding finding : findings) {
      String state =
          switch (finding.state()) {
            case OK -> ansi.green("ok    ");
            case LACK -> ansi.yellow("lacks ");
            case BROKEN -> ansi.red("BROKEN");
          };
      out.println("%s  %-14s %s".formatted(state, finding.subject(), finding.found()));
      if (!finding.advice().isEmpty()) {
        out.println("                        " + ansi.dim("-> " + finding.advice()));
      }
    }
  }
}
