package dev.aliquot.agent;

import dev.aliquot.agent.config.OutPolicy;
import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.process.ProcessId;
import dev.aliquot.agent.process.ProcessStat;
import dev.aliquot.agent.process.Stopper;
import dev.aliquot.agent.tenant.Tenant;
import dev.aliquot.agent.tenant.Tenants;
import dev.aliquot.agent.view.TenantView;
import dev.aliquot.health.device.DeviceState;
import dev.aliquot.linux.LinuxException;
import dev.aliquot.linux.PidFd;
import dev.aliquot.residency.SwapMode;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries out what becomes of the tenants of a device that is out. Regularly, so that a process
 * that comes late is not forgotten. For a drill nobody is touched. Not thread-safe.
 */
final class Evacuation {
  private static final Logger LOG = LoggerFactory.getLogger(Evacuation.class);

  /** A process that could not leave is asked again after this; it may have had work under way. */
  private static final Duration SAVE_AGAIN = Duration.ofSeconds(10);

  private final OutPolicy policy;
  private final Duration grace;
  private final Inventory inventory;
  private final Tenants tenants;
  private final ProcFs proc;
  private final Stopper stopper;
  private final Map<Device, Long> savedNanos = new HashMap<>();
  private final Map<ProcessId, Long> toldNanos = new HashMap<>();

  /**
   * @param grace between SIGTERM and SIGKILL
   */
  Evacuation(OutPolicy policy, Duration grace, Inventory inventory, Tenants tenants, ProcFs proc) {
    this.policy = policy;
    this.grace = grace;
    this.inventory = inventory;
    this.tenants = tenants;
    this.proc = proc;
    this.stopper = new Stopper(proc);
  }

  /** To be called about once a second. */
  void tick(long nowNanos) {
    toldNanos.keySet().removeIf(id -> !proc.isAlive(id));
    for (Device device : inventory.devices()) {
      DeviceState state = device.verdict().state();
      boolean out = !state.takesTenants() && state != DeviceState.RECOVERING;
      if (!out) {
        savedNanos.remove(device);
      } else if (policy != OutPolicy.KEEP && !device.verdict().drill()) {
        carryOut(device, state, nowNanos);
      }
    }
  }

  private void carryOut(Device device, DeviceState state, long nowNanos) {
    if (policy == OutPolicy.SAVE && state != DeviceState.LOST) {
      Long last = savedNanos.get(device);
      if (last == null || nowNanos - last >= SAVE_AGAIN.toNanos()) {
        savedNanos.put(device, nowNanos);
        on(device).forEach(tenant -> save(tenant, device, last == null));
      }
    } else if (policy == OutPolicy.STOP && state != DeviceState.DRAINING) {
      on(device).forEach(tenant -> stop(tenant, device, nowNanos));
    }
  }

  private List<Tenant> on(Device device) {
    return tenants.all().stream()
        .filter(
            tenant ->
                tenant.record().grants().stream()
                    .anyMatch(grant -> grant.device().equals(device.uuid())))
        .toList();
  }

  private static void save(Tenant tenant, Device device, boolean first) {
    if (tenant.record().swap() != SwapMode.NEVER && tenant.swapOut(true) && first) {
      LOG.info(
          "tenant {} is to leave device {}, which is out", tenant.record().name(), device.uuid());
    }
  }

  private void stop(Tenant tenant, Device device, long nowNanos) {
    for (TenantView view : tenant.views()) {
      if (view.device().equals(device.uuid())) {
        view.processes().forEach(process -> stop(tenant, device, process.pid(), nowNanos));
      }
    }
  }

  private void stop(Tenant tenant, Device device, int pid, long nowNanos) {
    Optional<ProcessId> id = proc.stat(pid).map(ProcessStat::id);
    if (id.isEmpty() || !tenant.hasAttached(id.get())) {
      return;
    }
    Long told = toldNanos.get(id.get());
    if (told != null && nowNanos - told < grace.toNanos()) {
      return;
    }
    try (PidFd process = stopper.open(id.get()).orElse(null)) {
      if (process == null) {
        return;
      }
      if (told == null) {
        toldNanos.put(id.get(), nowNanos);
        LOG.warn(
            "process {} of tenant {} is ended: its device {} is out ({})",
            pid,
            tenant.record().name(),
            device.uuid(),
            device.verdict().reason());
        stopper.terminate(process);
      } else {
        stopper.kill(process);
      }
    } catch (LinuxException e) {
      LOG.error("process {} cannot be ended: {}", pid, e.getMessage());
    }
  }
}
