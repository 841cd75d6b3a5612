package dev.aliquot.bench;

import dev.aliquot.plugin.PluginOptions;
import dev.aliquot.plugin.kubelet.Admission;
import dev.aliquot.plugin.kubelet.ContainerStart;
import dev.aliquot.plugin.kubelet.KubeletStandIn;
import dev.aliquot.plugin.kubelet.PodSpec;
import dev.aliquot.plugin.kubelet.StandInBehaviour;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * How quickly the device plugin of a whole agent serves a kubelet, over the sockets that a kubelet
 * uses; on the other side is the stand-in that the tests use. Looks every 5 ms: times are up to
 * that long by themselves.
 */
final class KubeletSuite implements Suite {
  private static final int DEVICES = 8;
  private static final int PODS = 100;
  private static final int UNITS = 7;
  private static final String NODE = "devices=" + DEVICES + ",memory=1GiB,model=H100";

  @Override
  public String name() {
    return "kubelet";
  }

  @Override
  public String summary() {
    return "registration, admission, start and health of containers, beside 100 tenants";
  }

  @Override
  public List<Figure> run(Settings settings, Consumer<String> progress)
      throws BenchException, IOException, InterruptedException {
    Path folder = Files.createTempDirectory("kl");
    List<Figure> figures = new ArrayList<>();
    List<String> options =
        List.of("--health-hold", "1s", "--device-plugin", "on", "--kubelet-dir", folder.toString());
    KubeletStandIn kubelet =
        new KubeletStandIn(folder, PluginOptions.RESOURCE, StandInBehaviour.NORMAL);
    try (kubelet;
        BenchAgent agent = BenchAgent.start(settings, NODE, options)) {
      kubelet.start();
      Await.that("the plugin has not registered", () -> kubelet.healthyUnits() == 100 * DEVICES);
      kubelet.reportStatus();
      figures.add(figure("memory of the agent, no pods", agent.residentMiB(), "MiB", "< 150"));
      progress.accept(PODS + " pods");
      double[] starts = new double[PODS];
      for (int i = 0; i < PODS; i++) {
        admit(kubelet, "tenant-" + i);
        long began = System.nanoTime();
        ContainerStart start = kubelet.startContainer("tenant-" + i, "main");
        starts[i] = millisSince(began);
        if (!start.runs()) {
          throw new BenchException("a container was not started: " + start.error());
        }
      }
      add(figures, "start of a container", starts, "");
      figures.add(
          figure("memory of the agent, " + PODS + " pods", agent.residentMiB(), "MiB", "< 150"));
      int rounds = settings.quick() ? 20 : 1000;
      progress.accept(rounds + " more admissions");
      double[] admissions = new double[rounds];
      for (int i = 0; i < rounds; i++) {
        long began = System.nanoTime();
        admit(kubelet, "guest");
        admissions[i] = millisSince(began);
        kubelet.deletePod("guest");
      }
      add(figures, "admission of a pod (preference and Allocate)", admissions, "");
      figures.add(allocate(agent));
      health(settings, progress, agent, kubelet, figures);
      restarts(settings, progress, kubelet, figures);
      figures.add(figure("memory of the agent, after", agent.residentMiB(), "MiB", "< 150"));
    } finally {
      BenchAgent.delete(folder);
    }
    return figures;
  }

  private void health(
      Settings settings,
      Consumer<String> progress,
      BenchAgent agent,
      KubeletStandIn kubelet,
      List<Figure> figures)
      throws IOException, InterruptedException, BenchException {
    int rounds = settings.quick() ? 5 : 100;
    progress.accept(rounds + " faults");
    double[] faults = new double[rounds];
    for (int i = 0; i < rounds; i++) {
      long began = System.nanoTime();
      Files.writeString(
          agent.node().resolve("kmsg"), HealthSuite.record(agent), StandardOpenOption.APPEND);
      Await.that("no unit became unhealthy", () -> kubelet.healthyUnits() == 100 * (DEVICES - 1));
      faults[i] = millisSince(began);
      Await.that(
          "the device is not healthy again",
          () -> {
            HealthSuite.clear(agent);
            return kubelet.healthyUnits() == 100 * DEVICES;
          });
    }
    add(figures, "line of a fault to Unhealthy at the kubelet", faults, "< 1000");
  }

  private void restarts(
      Settings settings, Consumer<String> progress, KubeletStandIn kubelet, List<Figure> figures)
      throws IOException, InterruptedException, BenchException {
    int rounds = settings.quick() ? 5 : 50;
    progress.accept(rounds + " restarts of the kubelet");
    double[] registrations = new double[rounds];
    for (int i = 0; i < rounds; i++) {
      kubelet.stop();
      long began = System.nanoTime();
      kubelet.start();
      Await.that(
          "the plugin has not registered again", () -> kubelet.healthyUnits() == 100 * DEVICES);
      registrations[i] = millisSince(began);
    }
    add(figures, "kubelet's start to registered", registrations, "< 2000");
  }

  /** By the agent's own clock: the upper end of the bucket that holds 99 of 100 calls. */
  private Figure allocate(BenchAgent agent) throws IOException, InterruptedException {
    double calls = agent.metric("aliquot_kubelet_allocate_seconds_count", "");
    for (String line : agent.answer("/metrics").lines().toList()) {
      if (line.startsWith("aliquot_kubelet_allocate_seconds_bucket")
          && Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)) >= calls * 0.99) {
        String bound = line.substring(line.indexOf("le=\"") + 4);
        double seconds =
            Double.parseDouble(bound.substring(0, bound.indexOf('"')).replace("+Inf", "Infinity"));
        return figure("Allocate, 99th percentile at most", seconds * 1e3, "ms", "< 20");
      }
    }
    return figure("Allocate, 99th percentile at most", Double.POSITIVE_INFINITY, "ms", "< 20");
  }

  private static void admit(KubeletStandIn kubelet, String pod) throws BenchException {
    Admission admission = kubelet.addPod(PodSpec.of(pod, UNITS));
    if (!admission.isAdmitted()) {
      throw new BenchException("a pod was not admitted: " + admission.message());
    }
  }

  private static double millisSince(long beganNanos) {
    return (System.nanoTime() - beganNanos) / 1e6;
  }

  private void add(List<Figure> figures, String what, double[] millis, String goal) {
    Arrays.sort(millis);
    figures.add(figure(what + ", median", millis[millis.length / 2], "ms", goal));
    figures.add(
        figure(
            what + ", 99th percentile", millis[(millis.length * 99 + 99) / 100 - 1], "ms", goal));
  }

  private Figure figure(String what, double value, String unit, String goal) {
    return new Figure(name(), what, value, unit, null, goal);
  }
}
