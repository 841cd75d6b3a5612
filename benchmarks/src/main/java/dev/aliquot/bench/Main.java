package dev.aliquot.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code aliquot bench}. */
@Command(
    name = "aliquot bench",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Measures what Aliquot costs, beside the bare driver in the same run.",
    footer = {
      "",
      "Suites:",
      "  interposer  launches, allocations, process start and attach (the C harness)",
      "  agent       start, memory with 8 devices and 64 tenants, attach from 1 to 64 processes",
      "  lending     how long a tenant waits for its request while another has borrowed it",
      "  swap        how long a tenant takes to leave and to come back, beside the copies alone",
      "  turns       what two tenants that need most of a device each get done by taking turns",
      "  health      how long after a fault a device takes no new tenants, also among 10 000 programs' faults a second",
      "  kubelet     how quickly a kubelet is served, beside 100 tenants on 8 devices",
      "  java        the agent's own hot paths (JMH)"
    })
public final class Main implements Callable<Integer> {

  private static final List<Suite> SUITES =
      List.of(
          new InterposerSuite(),
          new AgentSuite(),
          new LendingSuite(),
          new SwapSuite(),
          new TurnsSuite(),
          new HealthSuite(),
          new KubeletSuite(),
          new JavaSuite());

  @Parameters(paramLabel = "SUITE", description = "What to measure; all of it unless named.")
  private List<String> names = new ArrayList<>();

  @Option(names = "--json", description = "JSON on stdout instead of a table.")
  private boolean json;

  @Option(names = "--quick", description = "Fewer repetitions: a look, not a figure to publish.")
  private boolean quick;

  @Option(
      names = "--device",
      paramLabel = "real|simulated",
      description = "For the swap suite; the machine's GPU if it has one, unless named.")
  private @Nullable Where device;

  private enum Where {
    REAL,
    SIMULATED
  }

  public static void main(String[] args) {
    System.exit(
        new CommandLine(new Main()).setCaseInsensitiveEnumValuesAllowed(true).execute(args));
  }

  @Override
  public Integer call() throws Exception {
    boolean real = device == null ? Machine.hasGpu() : device == Where.REAL;
    Path home = Path.of(System.getProperty("aliquot.home", ".")).toAbsolutePath();
    Settings settings = new Settings(home, quick, real);
    List<Figure> figures = new ArrayList<>();
    int failures = 0;
    for (Suite suite : chosen()) {
      System.err.println("bench: " + suite.name() + ": " + suite.summary());
      try {
        figures.addAll(measure(suite, settings));
      } catch (BenchException e) {
        failures++;
        System.err.println("bench: " + suite.name() + " could not run: " + e.getMessage());
      }
    }
    System.out.print(
        json ? Report.json(figures, Machine.describe()) + "\n" : Report.table(figures));
    return failures == 0 ? 0 : 1;
  }

  private static List<Figure> measure(Suite suite, Settings settings) throws BenchException {
    try {
      return suite.run(settings, line -> System.err.println("bench:   " + line));
    } catch (IOException e) {
      throw new BenchException(e.getMessage() == null ? e.toString() : e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BenchException("interrupted", e);
    }
  }

  private List<Suite> chosen() {
    List<String> known = SUITES.stream().map(Suite::name).toList();
    for (String name : names) {
      if (!known.contains(name)) {
        throw new CommandLine.ParameterException(
            new CommandLine(this),
            "unknown suite '" + name + "'; there are " + String.join(", ", known));
      }
    }
    return SUITES.stream()
        .filter(suite -> names.isEmpty() || names.contains(suite.name()))
        .collect(Collectors.toList());
  }
}
