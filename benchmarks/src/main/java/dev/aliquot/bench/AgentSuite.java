package dev.aliquot.bench;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * The daemon as a whole process: start, memory, attach, and what a reading of ground truth takes.
 */
final class AgentSuite implements Suite {

  private static final int DEVICES = 8;
  private static final int TENANTS = 64;
  private static final int PROCESSES = 64;

  @Override
  public String name() {
    return "agent";
  }

  @Override
  public String summary() {
    return "start, memory with 8 devices and 64 tenants, attach from 1 to 64 processes";
  }

  @Override
  public List<Figure> run(Settings settings, Consumer<String> progress)
      throws BenchException, IOException, InterruptedException {
    List<Figure> figures = new ArrayList<>();
    figures.add(start(settings, progress));
    try (BenchAgent agent = BenchAgent.start(settings, DEVICES)) {
      figures.addAll(attach(settings, agent, progress));
      figures.addAll(memory(settings, agent, progress));
      figures.add(sampling(agent));
    }
    return figures;
  }

  private Figure start(Settings settings, Consumer<String> progress)
      throws BenchException, IOException, InterruptedException {
    int times = settings.quick() ? 2 : 7;
    progress.accept("starting an agent " + times + " times");
    double[] millis = new double[times];
    for (int i = 0; i < times; i++) {
      try (BenchAgent agent = BenchAgent.start(settings, DEVICES)) {
        millis[i] = agent.startTime().toNanos() / 1e6;
      }
    }
    return new Figure(
        name(), "start to ready, " + DEVICES + " devices", median(millis), "ms", null, "< 1000");
  }

  private List<Figure> attach(Settings settings, BenchAgent agent, Consumer<String> progress)
      throws BenchException, IOException, InterruptedException {
    progress.accept("attaching 1 to " + PROCESSES + " processes of one tenant, with and without");
    double[] bare;
    try (BenchTenant tenant = BenchTenant.bare(settings, agent, PROCESSES)) {
      bare = tenant.initMicros();
    }
    double[] with;
    try (BenchTenant tenant = BenchTenant.tenant(settings, agent, "attach", PROCESSES)) {
      with = tenant.initMicros();
    }
    int part = PROCESSES / 8;
    return List.of(
        new Figure(
            name(),
            "cuInit with attach, all processes",
            median(with) / 1e3,
            "ms",
            median(bare) / 1e3,
            "< 5 added"),
        new Figure(
            name(),
            "  the first " + part,
            median(Arrays.copyOf(with, part)) / 1e3,
            "ms",
            median(Arrays.copyOf(bare, part)) / 1e3,
            ""),
        new Figure(
            name(),
            "  the last " + part,
            median(Arrays.copyOfRange(with, PROCESSES - part, PROCESSES)) / 1e3,
            "ms",
            median(Arrays.copyOfRange(bare, PROCESSES - part, PROCESSES)) / 1e3,
            "as the first"));
  }

  private List<Figure> memory(Settings settings, BenchAgent agent, Consumer<String> progress)
      throws BenchException, IOException, InterruptedException {
    List<Figure> figures = new ArrayList<>();
    figures.add(
        new Figure(name(), "resident size, no tenant", agent.residentMiB(), "MiB", null, ""));
    progress.accept("starting " + TENANTS + " tenants");
    List<BenchTenant> tenants = new ArrayList<>();
    try {
      for (int i = 0; i < TENANTS; i++) {
        tenants.add(BenchTenant.tenant(settings, agent, "tenant-" + i, 1));
      }
      for (BenchTenant tenant : tenants) {
        tenant.initMicros();
      }
      Thread.sleep(Duration.ofSeconds(3));
      figures.add(
          new Figure(
              name(),
              "resident size, " + TENANTS + " tenants on " + DEVICES + " devices",
              agent.residentMiB(),
              "MiB",
              null,
              "< 100"));
      figures.add(
          new Figure(
              name(),
              "processor share, " + TENANTS + " tenants",
              agent.processorPercent(),
              "%",
              null,
              ""));
    } finally {
      for (BenchTenant tenant : tenants) {
        tenant.close();
      }
    }
    return figures;
  }

  private Figure sampling(BenchAgent agent)
      throws IOException, InterruptedException, BenchException {
    return new Figure(
        name(), "one ground-truth reading of one device", agent.meanSampleMicros(), "us", null, "");
  }

  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
