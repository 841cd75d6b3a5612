package dev.aliquot.agent.kubernetes;

import dev.aliquot.agent.view.FaultView;
import dev.aliquot.agent.view.KubernetesView;
import dev.aliquot.health.node.DeviceStanding;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a cluster told of the node's faults, on a thread of its own: nobody waits for the API
 * server.
 */
public final class KubernetesReporter implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(KubernetesReporter.class);
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private final KubernetesOptions options;
  private final String node;
  private final Supplier<List<DeviceStanding>> devices;
  private final Supplier<List<FaultView>> faults;
  private final Function<String, Set<PodName>> pods;
  private final InstantSource clock;
  private final Thread thread;
  private volatile @Nullable NodeReconciler reconciler;
  private volatile String failure = "it has not spoken with the cluster yet";
  private volatile boolean closed;

  private KubernetesReporter(
      KubernetesOptions options,
      String node,
      Supplier<List<DeviceStanding>> devices,
      Supplier<List<FaultView>> faults,
      Function<String, Set<PodName>> pods,
      InstantSource clock) {
    this.options = options;
    this.node = node;
    this.devices = devices;
    this.faults = faults;
    this.pods = pods;
    this.clock = clock;
    this.thread = Thread.ofPlatform().daemon().name("aliquot-kubernetes").unstarted(this::run);
  }

  /**
   * Begins.
   *
   * @param node its name in the cluster
   * @param devices how they stand now
   * @param faults those that are remembered
   * @param pods which had something on a device, by UUID
   */
  public static KubernetesReporter start(
      KubernetesOptions options,
      String node,
      Supplier<List<DeviceStanding>> devices,
      Supplier<List<FaultView>> faults,
      Function<String, Set<PodName>> pods,
      InstantSource clock) {
    KubernetesReporter reporter =
        new KubernetesReporter(options, node, devices, faults, pods, clock);
    reporter.thread.start();
    return reporter;
  }

  /** What the cluster knows. */
  public KubernetesView view() {
    NodeReconciler running = reconciler;
    return running != null
        ? running.view()
        : new KubernetesView(
            options.mode().name().toLowerCase(Locale.ROOT).replace('_', '-'),
            failure,
            1,
            0,
            "",
            "",
            0,
            List.of());
  }

  private void run() {
    ApiClock time = new ApiClock(clock, System::nanoTime);
    try (NodeApi api = NodeApi.open(node, time)) {
      NodeReconciler all =
          new NodeReconciler(options, api, devices, faults, pods, time, System::nanoTime);
      reconciler = all;
      Thread.sleep(options.pace().begin());
      while (!closed) {
        Thread.sleep(pass(all) ? options.pace().period() : NodeReconciler.LAST_RETRY);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      failure = "the client of the cluster cannot be made: " + e.getMessage();
      LOG.error(failure, e);
    }
  }

  private static boolean pass(NodeReconciler all) {
    try {
      all.pass();
      return true;
    } catch (RuntimeException e) {
      LOG.error("a look at the cluster failed", e);
      return false;
    }
  }

  @Override
  public void close() {
    closed = true;
    thread.interrupt();
    try {
      boolean _ = thread.join(PATIENCE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
