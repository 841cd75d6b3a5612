package dev.aliquot.agent.limits;

import dev.aliquot.agent.config.LimitBackend;
import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.process.ProcessWatcher;
import dev.aliquot.agent.state.TenantRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The way that was chosen at the agent's start, and what it means for one tenant. Thread-safe. */
public final class TenantLimits implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(TenantLimits.class);

  private final MemoryLimits limits;
  private final boolean forced;

  private TenantLimits(MemoryLimits limits, boolean forced) {
    this.limits = limits;
    this.forced = forced;
  }

  /**
   * Probes and chooses.
   *
   * @param file remembers what is set over the agent's end
   * @throws IOException with a sentence when the driver is asked for and cannot
   */
  public static TenantLimits choose(
      LimitsOptions options, Inventory inventory, ProcFs proc, ProcessWatcher watcher, Path file)
      throws IOException {
    Optional<String> whyNot =
        options.backend() == LimitBackend.INTERPOSER
            ? Optional.of("so configured")
            : LimitsChoice.whyNotDriver(
                inventory.devices().stream().map(Device::limiter).toList(), options.cgroupRoot());
    CgroupTree tree = new CgroupTree(options.cgroupRoot(), proc);
    try {
      if (LimitsChoice.driver(options.backend(), whyNot)) {
        LOG.info("memory limits: driver and interposer");
        return new TenantLimits(
            new DriverLimits(inventory, tree, new LimitFile(file), watcher),
            options.backend() == LimitBackend.DRIVER);
      }
    } catch (IllegalStateException e) {
      throw new IOException(e.getMessage(), e);
    }
    if (Files.exists(file)) {
      // An earlier agent's, which nobody would change any more.
      try (DriverLimits earlier = new DriverLimits(inventory, tree, new LimitFile(file), watcher)) {
        earlier.reconcile(List.of());
      }
    }
    LOG.info("memory limits: interposer alone: {}", whyNot.orElse(""));
    return new TenantLimits(new InterposerLimits(), false);
  }

  /** The way itself. */
  public MemoryLimits backend() {
    return limits;
  }

  /**
   * Puts a tenant's limits in force.
   *
   * @return a sentence when the configuration asks for the driver's and they are not to be had
   */
  public Optional<String> admit(TenantRecord tenant) {
    Optional<String> whyNot = limits.apply(tenant);
    if (whyNot.isEmpty()) {
      return Optional.empty();
    }
    if (forced) {
      return Optional.of(
          "memory-limits is driver, but the driver cannot hold tenant "
              + tenant.name()
              + ": "
              + whyNot.get());
    }
    LOG.info(
        "tenant {} ({}) is held by the interposer alone: {}",
        tenant.id(),
        tenant.name(),
        whyNot.get());
    return Optional.empty();
  }

  public void ended(TenantRecord tenant) {
    limits.clear(tenant);
  }

  public void reconcile(Collection<TenantRecord> living) {
    limits.reconcile(living);
  }

  @Override
  public void close() {
    limits.close();
  }
}
