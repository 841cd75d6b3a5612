package dev.aliquot.agent;

import dev.aliquot.agent.config.KubernetesMode;
import dev.aliquot.agent.count.Counters;
import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.DeviceEvents;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.agent.device.NvmlEvents;
import dev.aliquot.agent.health.HealthOptions;
import dev.aliquot.agent.health.HealthWatch;
import dev.aliquot.agent.kubernetes.KubernetesReporter;
import dev.aliquot.agent.state.StateDir;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.agent.tenant.Tenants;
import dev.aliquot.agent.view.DrillSpec;
import dev.aliquot.agent.view.DrillView;
import dev.aliquot.agent.view.FaultView;
import dev.aliquot.agent.view.HealthView;
import dev.aliquot.ffm.NativeException;
import dev.aliquot.health.catalogue.Catalogue;
import dev.aliquot.health.catalogue.CatalogueException;
import dev.aliquot.linux.Identity;
import dev.aliquot.nvml.Nvml;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Faults of the agent's devices, and what they make of them. Thread-safe. */
public final class AgentHealth implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(AgentHealth.class);
  private static final Path KERNEL_LOG = Path.of("/dev/kmsg");
  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

  private final Inventory inventory;
  private final HealthWatch watch;
  private final @Nullable KubernetesReporter cluster;

  private AgentHealth(
      Inventory inventory, HealthWatch watch, @Nullable KubernetesReporter cluster) {
    this.inventory = inventory;
    this.watch = watch;
    this.cluster = cluster;
  }

  static AgentHealth begin(
      AgentOptions all,
      Catalogue catalogue,
      Nvml nvml,
      Inventory inventory,
      Tenants tenants,
      Driver driver,
      StateDir state,
      InstantSource clock,
      Counters counters)
      throws IOException {
    String boot = Files.readString(BOOT_ID).strip();
    HealthOptions options = all.health();
    HealthWatch watch =
        new HealthWatch(
            options,
            catalogue,
            inventory,
            tenants,
            events(nvml),
            kernelLog(options, driver),
            state.healthFile(),
            boot,
            clock,
            counters);
    return new AgentHealth(inventory, watch, cluster(all, inventory, tenants, watch, clock));
  }

  private static @Nullable KubernetesReporter cluster(
      AgentOptions all,
      Inventory inventory,
      Tenants tenants,
      HealthWatch watch,
      InstantSource clock) {
    if (all.kubernetes().mode() == KubernetesMode.OFF) {
      return null;
    }
    ClusterSources sources = new ClusterSources(inventory, tenants, all.health().expectedDevices());
    return KubernetesReporter.start(
        all.kubernetes(), all.nodeName(), sources::devices, watch::faults, sources::pods, clock);
  }

  /**
   * The table of XIDs that counts here.
   *
   * @throws IOException with what is wrong with the overrides
   */
  static Catalogue catalogue(HealthOptions options) throws IOException {
    try {
      Catalogue builtIn = Catalogue.builtIn(options.profile());
      Path overrides = options.overrides();
      return overrides == null ? builtIn : builtIn.overriddenBy(overrides);
    } catch (CatalogueException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  private static @Nullable DeviceEvents events(Nvml nvml) {
    try {
      return NvmlEvents.open(nvml);
    } catch (NativeException e) {
      LOG.warn("NVML delivers no events: {}", e.getMessage());
      return null;
    }
  }

  private static Path kernelLog(HealthOptions options, Driver driver) {
    Path given = options.kernelLog();
    Path node = driver.simulatedNode();
    return given != null ? given : node != null ? node.resolve("kmsg") : KERNEL_LOG;
  }

  /** How faults are watched for, and the latest of them. */
  HealthView view() {
    return watch.view().with(cluster == null ? null : cluster.view());
  }

  /** Every fault that is remembered, the latest last. */
  public List<FaultView> faults() {
    return watch.faults();
  }

  /**
   * Takes back what faults have made of a device; what it says of itself still counts.
   *
   * @param name UUID or index
   * @throws AgentException NOT_FOUND; FORBIDDEN to all but root and the agent's own user
   */
  public void clear(String name, Peer peer) throws AgentException {
    refuseOthers(peer, "clear a device");
    watch.clear(device(name));
  }

  /**
   * Makes a fault for practice by way of the kernel log, or says what it would do.
   *
   * @throws AgentException NOT_FOUND; FORBIDDEN as for {@link #clear}; UNAVAILABLE where the kernel
   *     log cannot be written
   */
  public DrillView drill(DrillSpec spec, Peer peer) throws AgentException {
    refuseOthers(peer, "make faults for practice");
    String name = spec.device();
    try {
      return watch.drill(device(name == null ? "0" : name), spec);
    } catch (IOException e) {
      throw new AgentException(
          AgentException.Kind.UNAVAILABLE,
          "the drill cannot be written to the kernel log: " + e.getMessage(),
          e);
    }
  }

  /** A process has attached to a tenant. */
  void attached(int pid, TenantRecord tenant) {
    watch.attached(pid, tenant);
  }

  /** Ends it; whether every thread has left the driver. */
  boolean stop() {
    if (cluster != null) {
      cluster.close();
    }
    return watch.stop();
  }

  @Override
  public void close() {
    boolean _ = stop();
  }

  private Device device(String name) throws AgentException {
    return inventory
        .find(name)
        .orElseThrow(
            () ->
                new AgentException(
                    AgentException.Kind.NOT_FOUND,
                    "there is no device '" + name + "': see aliquot status"));
  }

  private static void refuseOthers(Peer peer, String what) throws AgentException {
    if (peer.uid() != 0 && peer.uid() != Identity.effectiveUserId()) {
      throw new AgentException(
          AgentException.Kind.FORBIDDEN, "only root and the agent's own user may " + what);
    }
  }
}
