package dev.aliquot.plugin;

import dev.aliquot.plugin.count.Counters;
import dev.aliquot.plugin.kubelet.KubeletPaths;
import dev.aliquot.plugin.kubelet.Loops;
import dev.aliquot.plugin.kubelet.PodResources;
import dev.aliquot.plugin.kubelet.Registrar;
import dev.aliquot.plugin.kubelet.RegistrationState;
import dev.aliquot.plugin.ledger.Ledger;
import dev.aliquot.plugin.node.Node;
import dev.aliquot.plugin.pod.PodSource;
import dev.aliquot.plugin.serve.PluginService;
import dev.aliquot.plugin.serve.Starter;
import dev.aliquot.plugin.state.StateFile;
import dev.aliquot.plugin.state.StateWriter;
import java.io.IOException;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A device plugin that runs until it is closed. A kubelet that is not there, is started again or
 * behaves oddly never ends it. Thread-safe.
 */
public final class Plugin implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Plugin.class);
  private static final Duration WRITE_AGAIN = Duration.ofSeconds(10);

  private final PluginOptions options;
  private final Node node;
  private final Counters counters = new Counters();
  private final Loops loops = new Loops();
  private final Ledger ledger;
  private final StateWriter writer;
  private final Reconciler reconciler;
  private final PluginService service;
  private final RegistrationState registration;
  private final Registrar registrar;

  private Plugin(PluginOptions options, KubeletPaths paths, Node node, LongSupplier nanos) {
    this.options = options;
    this.node = node;
    ledger = new Ledger(options.resource(), options.placement(), options.ledger());
    StateFile file = new StateFile(options.stateFile());
    try {
      ledger.restore(file.read(), nanos.getAsLong());
    } catch (IOException | RuntimeException e) {
      LOG.warn("{}", e.getMessage());
    }
    writer = new StateWriter(ledger, file, counters, WRITE_AGAIN);
    PodSource pods = new PodResources(loops, paths);
    Starter starter = new Starter(node, ledger, pods, nanos, writer::changed, this::settle);
    reconciler =
        new Reconciler(
            node,
            ledger,
            starter::release,
            pods,
            counters,
            nanos,
            writer::changed,
            options.reconcile());
    registration = new RegistrationState(options.registration(), counters, nanos);
    service =
        new PluginService(
            node,
            ledger,
            starter,
            counters,
            nanos,
            this::changed,
            registration::streamOpened,
            registration::streamEnded);
    registrar =
        new Registrar(
            loops, paths, options.registration(), registration, service, PluginService.OPTIONS);
  }

  /**
   * Starts: serves, and registers with the kubelet as soon as there is one.
   *
   * @param nanos a clock that does not jump, {@code System::nanoTime} outside of tests
   * @throws IllegalArgumentException when an option cannot work, with a sentence
   */
  public static Plugin start(PluginOptions options, Node node, LongSupplier nanos) {
    Plugin plugin =
        new Plugin(options, new KubeletPaths(options.kubelet(), options.resource()), node, nanos);
    plugin.reconciler.start(plugin.registrar::start);
    return plugin;
  }

  /** How it stands. At once. */
  public PluginView view() {
    return new PluginView(
        options.resource(),
        registration.view(),
        node.devices().stream()
            .map(
                device ->
                    new PluginView.Units(
                        device, ledger.used(device.uuid()), ledger.usedByStarted(device.uuid())))
            .toList(),
        ledger.grants(),
        counters.figures(),
        reconciler.trouble(),
        writer.trouble());
  }

  /** Compares the grants with the kubelet's pods soon, because a pod has ended, for example. */
  public void reconcileSoon() {
    reconciler.soon();
  }

  /** Stops serving and writes what is not written yet. Running containers notice nothing. */
  @Override
  public void close() {
    service.close();
    reconciler.close();
    registrar.close();
    writer.close();
    loops.close();
  }

  private void settle() {
    reconciler.settle();
  }

  /** What was allocated is soon listed, and what it replaces is not any more. */
  private void changed() {
    writer.changed();
    reconciler.soon();
  }
}
