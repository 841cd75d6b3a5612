package dev.aliquot.cli.demo;

import dev.aliquot.agent.view.DeviceView;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.cli.client.CommandFailure;
import dev.aliquot.cli.client.ExitCode;
import dev.aliquot.cli.program.PackedProgram;
import dev.aliquot.cli.screen.Ansi;
import dev.aliquot.cli.screen.Terminal;
import dev.aliquot.ffm.NativeException;
import dev.aliquot.nvml.Nvml;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Shows what Aliquot is for, in less than a minute, and leaves nothing behind. */
@Command(
    description = {
      "Two programs share one GPU, each held to its share: a verdict, claim by claim.",
      "One has 25 %% of the memory, the other 50 %%.",
      "Uses the machine's GPU where there is an NVIDIA driver, else a simulated node."
    },
    footer = {
      "",
      "Exit code: 0 when every claim was seen to hold.",
      "",
      "Examples:",
      "  aliquot demo",
      "  aliquot demo --simulated"
    })
public final class DemoCommand implements Callable<Integer> {
  private static final String SIMULATED = "devices=2,memory=16GiB,model=H100";
  private static final Path NVML = Path.of("libnvidia-ml.so.1");
  private static final int INTERRUPTED = 130;
  private static final Duration LONGEST = Duration.ofSeconds(40);
  private static final Duration RETURN = Duration.ofSeconds(5);

  @Option(names = "--simulated", description = "Use a simulated node even where there is a GPU.")
  private boolean simulated;

  @SuppressWarnings("UnusedVariable")
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help.")
  private boolean help;

  /** Set by the shutdown hook, which then cleans up. */
  private volatile boolean interrupted;

  private final List<DemoTenant> tenants = new CopyOnWriteArrayList<>();

  @Override
  public Integer call() throws CommandFailure, InterruptedException {
    PrintStream out = Terminal.utf8Out();
    Ansi ansi = Terminal.colours(System.getenv());
    String simulate = simulated || !hasGpu() ? SIMULATED : null;
    out.println(
        simulate == null
            ? "This machine has an NVIDIA driver: the demo runs on its GPU."
            : "No NVIDIA driver in use: the demo runs on a simulated node (" + simulate + ").");
    out.flush();
    Path folder = PackedProgram.temporaryFolder("aliquot-demo-");
    Path program = PackedProgram.unpack("demo/demo-tenant", folder);
    DemoNode node = DemoNode.start(folder, simulate);
    Thread cleaner =
        new Thread(
            () -> {
              interrupted = true;
              clean(node);
            },
            "demo-cleaner");
    Runtime.getRuntime().addShutdownHook(cleaner);
    try {
      List<Claim> claims = play(node, program, out, simulate != null);
      return interrupted ? INTERRUPTED : judge(claims, out, ansi);
    } catch (CommandFailure e) {
      if (interrupted) {
        return INTERRUPTED;
      }
      throw e;
    } finally {
      if (!interrupted) {
        clean(node);
        Runtime.getRuntime().removeShutdownHook(cleaner);
      }
    }
  }

  private void clean(DemoNode node) {
    tenants.forEach(DemoTenant::kill);
    node.close();
  }

  private List<Claim> play(DemoNode node, Path program, PrintStream out, boolean simulatedNode)
      throws CommandFailure, InterruptedException {
    NodeView before = node.view();
    int device = roomiest(before);
    String touch = simulatedNode ? "32" : "256";
    Watcher watcher = new Watcher(device);
    try (DemoScreen screen = new DemoScreen(out, System.getenv())) {
      DemoTenant asker =
          start(
              "quarter",
              25,
              device,
              node,
              program,
              List.of("--seconds", "9", "--touch-mib", touch, "--ask-beyond-after", "5"));
      DemoTenant neighbour =
          start(
              "half", 50, device, node, program, List.of("--seconds", "10", "--touch-mib", touch));
      long end = System.nanoTime() + LONGEST.toNanos();
      while (tenants.stream().anyMatch(DemoTenant::isRunning)) {
        NodeView view = node.view();
        watcher.look(view);
        screen.show(view, tenants);
        if (System.nanoTime() > end) {
          tenants.forEach(DemoTenant::kill);
        }
        Thread.sleep(200);
      }
      List<Claim> claims = new ArrayList<>(Verdict.of(asker, neighbour, watcher));
      claims.add(returned(node, before, device));
      return claims;
    } finally {
      for (DemoTenant tenant : tenants) {
        tenant.complaints().forEach(line -> out.println(tenant.name() + ": " + line));
      }
      node.log().lines().forEach(line -> out.println("agent: " + line));
    }
  }

  private DemoTenant start(
      String name, int percent, int device, DemoNode node, Path program, List<String> arguments)
      throws CommandFailure {
    try {
      DemoTenant tenant =
          DemoTenant.start(name, percent, device, node.stateDir(), program, arguments);
      tenants.add(tenant);
      return tenant;
    } catch (IOException e) {
      throw new CommandFailure(ExitCode.FAILED, "cannot start a tenant: " + e.getMessage());
    }
  }

  private static int roomiest(NodeView node) throws CommandFailure {
    return node.devices().stream()
        .max(
            Comparator.comparingLong((DeviceView d) -> d.capacityBytes() - d.usedBytes())
                .thenComparingInt(d -> -d.index()))
        .map(DeviceView::index)
        .orElseThrow(() -> new CommandFailure(ExitCode.FAILED, "the driver shows no device"));
  }

  private static Claim returned(DemoNode node, NodeView before, int device)
      throws CommandFailure, InterruptedException {
    long usedBefore = used(before, device);
    long end = System.nanoTime() + RETURN.toNanos();
    NodeView now = node.view();
    while (System.nanoTime() < end
        && (!now.tenants().isEmpty() || used(now, device) > usedBefore)) {
      Thread.sleep(100);
      now = node.view();
    }
    return new Claim(
        now.tenants().isEmpty() && used(now, device) <= usedBefore,
        "all memory went back when the programs ended: tenants left "
            + now.tenants().size()
            + ", bytes left "
            + Math.max(0, used(now, device) - usedBefore));
  }

  private static long used(NodeView node, int device) {
    return node.devices().stream()
        .filter(d -> d.index() == device)
        .mapToLong(DeviceView::usedBytes)
        .sum();
  }

  private static int judge(List<Claim> claims, PrintStream out, Ansi ansi) {
    out.println();
    for (Claim claim : claims) {
      out.println(
          (claim.holds() ? ansi.green("  ok    ") : ansi.red("  FAILED"))
              + "  "
              + claim.sentence());
    }
    boolean all = claims.stream().allMatch(Claim::holds);
    out.println();
    out.println(all ? ansi.bold("Every claim holds.") : ansi.red("Some claims do not hold."));
    out.flush();
    return all ? ExitCode.OK : ExitCode.FAILED;
  }

  private static boolean hasGpu() {
    try (Nvml nvml = Nvml.open(NVML)) {
      return nvml.deviceCount() > 0;
    } catch (NativeException none) {
      return false;
    }
  }
}
