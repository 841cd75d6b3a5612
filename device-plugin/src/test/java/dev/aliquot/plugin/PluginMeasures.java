package dev.aliquot.plugin;

import dev.aliquot.plugin.kubelet.KubeletPaths;
import dev.aliquot.plugin.kubelet.Loops;
import dev.aliquot.plugin.kubelet.PodSpec;
import dev.aliquot.plugin.kubelet.StandInBehaviour;
import dev.aliquot.plugin.proto.deviceplugin.AllocateRequest;
import dev.aliquot.plugin.proto.deviceplugin.ContainerAllocateRequest;
import dev.aliquot.plugin.proto.deviceplugin.DevicePluginGrpc;
import dev.aliquot.plugin.support.KubeletNode;
import io.grpc.ManagedChannel;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.BooleanSupplier;

/**
 * How quick the plugin is, over real sockets, with 8 devices and 100 tenants: figures with their
 * bars, in milliseconds.
 */
public final class PluginMeasures {
  private static final int DEVICES = 8;
  private static final int TENANTS = 100;

  private PluginMeasures() {}

  /** A figure that should be below a bar. */
  public record Figure(String what, double median, double p99, double most, double bar) {
    @Override
    public String toString() {
      return "%-62s median %8.2f  p99 %8.2f  most %8.2f ms  (bar %.0f)"
          .formatted(what, median, p99, most, bar);
    }
  }

  /** Prints all figures. */
  public static void main(String[] arguments) throws Exception {
    measure().forEach(System.out::println);
  }

  /** Measures; takes about half a minute. */
  public static List<Figure> measure() throws Exception {
    List<Figure> figures = new ArrayList<>();
    try (KubeletNode node = KubeletNode.start(DEVICES, StandInBehaviour.NORMAL)) {
      node.awaitUnits(DEVICES * 100);
      for (int i = 0; i < TENANTS; i++) {
        node.kubelet().addPod(PodSpec.of("t" + i, 7));
        if (!node.kubelet().startPod("t" + i).runs()) {
          throw new IllegalStateException("tenant " + i + " was not started");
        }
      }
      figures.add(allocate(node));
      figures.add(health(node));
    }
    figures.add(registration(StandInBehaviour.NORMAL, "found in the folder"));
    figures.add(registration(StandInBehaviour.ONLY_CALLED, "by a call"));
    return figures;
  }

  private static Figure allocate(KubeletNode node) {
    try (Loops loops = new Loops()) {
      ManagedChannel channel =
          loops.channel(
              new KubeletPaths(node.options().kubelet(), PluginOptions.RESOURCE).plugin());
      var plugin = DevicePluginGrpc.newBlockingStub(channel);
      Random random = new Random(5);
      double[] millis = new double[2_000];
      for (int i = 0; i < millis.length; i++) {
        int from = random.nextInt(TENANTS);
        AllocateRequest request =
            AllocateRequest.newBuilder()
                .addContainerRequests(
                    ContainerAllocateRequest.newBuilder()
                        .addAllDevicesIds(node.kubelet().ids("t" + from, "main")))
                .build();
        long start = System.nanoTime();
        if (plugin.allocate(request).getContainerResponsesCount() != 1) {
          throw new IllegalStateException("not allocated");
        }
        millis[i] = (System.nanoTime() - start) / 1e6;
      }
      channel.shutdownNow();
      return figure("Allocate, 8 devices, 100 tenants", millis, 20);
    }
  }

  private static Figure health(KubeletNode node) throws InterruptedException {
    double[] millis = new double[100];
    for (int i = 0; i < millis.length; i++) {
      boolean healthy = i % 2 == 1;
      int units = healthy ? DEVICES * 100 : DEVICES * 100 - 100;
      long start = System.nanoTime();
      node.fake().setHealthy(3, healthy);
      millis[i] = until(start, () -> node.kubelet().healthyUnits() == units);
    }
    return figure("a device's health, until the kubelet has it", millis, 100);
  }

  private static Figure registration(StandInBehaviour behaviour, String how) throws Exception {
    double[] millis = new double[5];
    for (int i = 0; i < millis.length; i++) {
      try (KubeletNode node = KubeletNode.withoutPlugin(DEVICES, behaviour)) {
        node.startPlugin();
        KubeletPaths paths = new KubeletPaths(node.options().kubelet(), PluginOptions.RESOURCE);
        until(System.nanoTime(), () -> Files.exists(paths.plugin()));
        node.kubelet().start();
        long start = System.nanoTime();
        millis[i] = until(start, () -> node.kubelet().healthyUnits() == DEVICES * 100);
      }
    }
    return figure("registered, after the kubelet's socket appeared: " + how, millis, 2_000);
  }

  private static double until(long start, BooleanSupplier condition) throws InterruptedException {
    while (!condition.getAsBoolean()) {
      Thread.sleep(0, 200_000);
    }
    return (System.nanoTime() - start) / 1e6;
  }

  private static Figure figure(String what, double[] millis, double bar) {
    Arrays.sort(millis);
    return new Figure(
        what,
        millis[millis.length / 2],
        millis[(int) Math.min(millis.length - 1, Math.ceil(millis.length * 0.99) - 1)],
        millis[millis.length - 1],
        bar);
  }
}
