package dev.aliquot.plugin.support;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.plugin.Plugin;
import dev.aliquot.plugin.PluginOptions;
import dev.aliquot.plugin.kubelet.KubeletStandIn;
import dev.aliquot.plugin.kubelet.RegistrationRules;
import dev.aliquot.plugin.kubelet.StandInBehaviour;
import dev.aliquot.plugin.ledger.LedgerRules;
import dev.aliquot.plugin.placement.Placement;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** A kubelet, a plugin and a node in memory, in a folder of their own. */
public final class KubeletNode implements AutoCloseable {
  private final Path folder;
  private final KubeletStandIn kubelet;
  private final FakeNode fake;
  private final AtomicLong skippedNanos = new AtomicLong();
  private final PluginOptions options;
  private Plugin plugin;

  private KubeletNode(
      Path folder, FakeNode fake, StandInBehaviour behaviour, PluginOptions options) {
    this.folder = folder;
    this.fake = fake;
    this.options = options;
    kubelet =
        new KubeletStandIn(
            folder,
            PluginOptions.RESOURCE,
            behaviour,
            () -> System.nanoTime() + skippedNanos.get());
  }

  /** With short times, as all tests here have them. */
  public static PluginOptions options(Path folder) {
    return new PluginOptions(
        folder,
        PluginOptions.RESOURCE,
        Placement.PACK,
        folder.resolve("grants.json"),
        Duration.ofMillis(100),
        new RegistrationRules(
            Duration.ofMillis(20),
            Duration.ofMillis(1500),
            Duration.ofSeconds(2),
            Duration.ofMillis(50),
            Duration.ofMillis(500)),
        new LedgerRules(Duration.ofSeconds(2), Duration.ofSeconds(5), Duration.ofSeconds(1)));
  }

  /** All of it, started. */
  public static KubeletNode start(int devices, StandInBehaviour behaviour) throws IOException {
    return start(devices, behaviour, UnaryOperator.identity());
  }

  /**
   * All of it, started.
   *
   * @param other changes the options that tests have
   */
  public static KubeletNode start(
      int devices, StandInBehaviour behaviour, UnaryOperator<PluginOptions> other)
      throws IOException {
    Path folder = folder();
    KubeletNode node =
        new KubeletNode(folder, new FakeNode(devices), behaviour, other.apply(options(folder)));
    node.kubelet.start();
    node.startPlugin();
    return node;
  }

  /** The same, with no plugin yet. */
  public static KubeletNode withoutPlugin(int devices, StandInBehaviour behaviour)
      throws IOException {
    Path folder = folder();
    return new KubeletNode(folder, new FakeNode(devices), behaviour, options(folder));
  }

  /** A folder with a path that is short enough for sockets. */
  public static Path folder() throws IOException {
    return Files.createTempDirectory("kl");
  }

  public KubeletStandIn kubelet() {
    return kubelet;
  }

  public FakeNode fake() {
    return fake;
  }

  public Plugin plugin() {
    return plugin;
  }

  public PluginOptions options() {
    return options;
  }

  public void startPlugin() {
    plugin = Plugin.start(options, fake, System::nanoTime);
  }

  /** So much time passes for the kubelet, and for nobody else. */
  public void skipForKubelet(Duration time) {
    skippedNanos.addAndGet(time.toNanos());
  }

  public void stopPlugin() {
    plugin.close();
  }

  /** Waits until the kubelet has so many healthy units, and has told the cluster. */
  public void awaitUnits(int units) {
    Eventually.soon(() -> assertThat(kubelet.healthyUnits()).isEqualTo(units));
    kubelet.reportStatus();
  }

  @Override
  public void close() throws IOException {
    if (plugin != null) {
      plugin.close();
    }
    kubelet.close();
    delete(folder);
  }

  /** Removes a folder with all that is in it. */
  public static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }
}
