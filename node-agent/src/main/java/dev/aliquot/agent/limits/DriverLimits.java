package dev.aliquot.agent.limits;

import static dev.aliquot.agent.device.CgroupLimiter.NO_LIMIT;

import dev.aliquot.agent.device.CgroupLimiter;
import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.agent.process.ProcessId;
import dev.aliquot.agent.process.ProcessWatcher;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.ffm.NativeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The driver's own limits on a container's cgroup: soft = request, hard = limit, on each of its
 * devices. The soft one is dropped as soon as the container's first process ends, because the
 * runtime removes the cgroup then and a reservation that is still set may stay for ever; the rest
 * is cleared when the tenant ends.
 *
 * <p>One thread calls the driver, so that one that hangs costs its callers a time-out and no more.
 */
final class DriverLimits implements MemoryLimits {
  private static final Logger LOG = LoggerFactory.getLogger(DriverLimits.class);
  private static final Duration TIMEOUT = Duration.ofSeconds(5);

  private final Inventory inventory;
  private final CgroupTree tree;
  private final LimitFile file;
  private final ProcessWatcher watcher;
  private final Map<String, ProcessWatcher.Watch> watches = new HashMap<>();
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(
          task -> Thread.ofPlatform().daemon().name("aliquot-limits").unstarted(task));

  DriverLimits(Inventory inventory, CgroupTree tree, LimitFile file, ProcessWatcher watcher) {
    this.inventory = inventory;
    this.tree = tree;
    this.file = file;
    this.watcher = watcher;
  }

  @Override
  public String backend() {
    return "driver";
  }

  @Override
  public Optional<String> apply(TenantRecord tenant) {
    try {
      return thread.submit(() -> applyNow(tenant)).get(TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      // Whatever the driver does with it later is taken back.
      clear(tenant);
      return Optional.of("the driver does not answer");
    } catch (ExecutionException e) {
      LOG.error("the limits of tenant {} could not be set", tenant.id(), e.getCause());
      return Optional.of(String.valueOf(e.getMessage()));
    } catch (RejectedExecutionException e) {
      return Optional.of("the agent is stopping");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.of("the agent is stopping");
    }
  }

  @Override
  public void clear(TenantRecord tenant) {
    later(() -> clearNow(tenant.id()));
  }

  @Override
  public void reconcile(Collection<TenantRecord> living) {
    later(
        () -> {
          for (LimitFile.Entry entry : file.all()) {
            if (living.stream().noneMatch(tenant -> tenant.id().equals(entry.tenant()))) {
              LOG.info("tenant {} ended without an agent: clearing its limits", entry.tenant());
              clearNow(entry.tenant());
            }
          }
        });
    for (TenantRecord tenant : living) {
      apply(tenant)
          .ifPresent(why -> LOG.info("tenant {}: no limits by the driver: {}", tenant.id(), why));
    }
  }

  @Override
  public void close() {
    thread.shutdown();
    try {
      if (!thread.awaitTermination(TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
        LOG.warn("the driver does not answer: limits stay as they are");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void later(Runnable task) {
    try {
      thread.execute(task);
    } catch (RejectedExecutionException e) {
      LOG.debug("the agent is stopping: the next one puts limits right", e);
    }
  }

  private Optional<String> applyNow(TenantRecord tenant) {
    CgroupTree.Place place = tree.place(tenant);
    if (place.directory().isEmpty()) {
      return Optional.of(place.why());
    }
    Path cgroup = place.directory().get();
    Optional<LimitFile.Entry> other =
        file.all().stream()
            .filter(entry -> entry.cgroup().equals(cgroup) && !entry.tenant().equals(tenant.id()))
            .findFirst();
    if (other.isPresent()) {
      return Optional.of("it shares its cgroup with tenant " + other.get().tenant());
    }
    try {
      for (TenantRecord.Grant grant : tenant.grants()) {
        if (inventory.find(grant.device()).isEmpty()) {
          // lost: its limits are set by the agent that sees it again
          continue;
        }
        file.add(new LimitFile.Entry(tenant.id(), grant.device(), cgroup));
        set(limiter(grant.device()), cgroup, grant.requestBytes(), grant.limitBytes());
      }
    } catch (NativeException | IOException | IllegalStateException e) {
      clearNow(tenant.id());
      return Optional.of(String.valueOf(e.getMessage()));
    }
    watchRoot(tenant);
    return Optional.empty();
  }

  /** The layout of the call is not verified: what was set counts once it can be read back. */
  private static void set(CgroupLimiter limiter, Path cgroup, long softBytes, long hardBytes) {
    limiter.set(cgroup, softBytes, hardBytes);
    CgroupLimiter.Limits now = limiter.get(cgroup);
    if (now.softBytes() != softBytes || now.hardBytes() != hardBytes) {
      throw new IllegalStateException(
          "the driver was given the limits %d and %d of %s and answers %d and %d"
              .formatted(softBytes, hardBytes, cgroup, now.softBytes(), now.hardBytes()));
    }
  }

  private void watchRoot(TenantRecord tenant) {
    if (!watches.containsKey(tenant.id())) {
      watches.put(
          tenant.id(),
          watcher.watch(
              new ProcessId(tenant.rootPid(), tenant.rootStartTime()),
              () -> later(() -> dropReservation(tenant))));
    }
  }

  private void dropReservation(TenantRecord tenant) {
    for (LimitFile.Entry entry : file.of(tenant.id())) {
      try {
        CgroupLimiter limiter = limiter(entry.device());
        limiter.set(entry.cgroup(), 0, limiter.get(entry.cgroup()).hardBytes());
      } catch (NativeException | IllegalStateException e) {
        LOG.warn("the reservation of {} could not be dropped: {}", entry, e.getMessage());
      }
    }
  }

  private void clearNow(String tenant) {
    ProcessWatcher.Watch watch = watches.remove(tenant);
    if (watch != null) {
      watch.close();
    }
    for (LimitFile.Entry entry : file.of(tenant)) {
      try {
        limiter(entry.device()).set(entry.cgroup(), 0, NO_LIMIT);
        file.remove(entry);
      } catch (NativeException | IOException | IllegalStateException e) {
        LOG.warn("the limits of {} could not be cleared: {}", entry, e.getMessage());
        forgetIfGone(entry);
      }
    }
  }

  /** With the directory the hard limit is gone; what stays is tried again by the next agent. */
  private void forgetIfGone(LimitFile.Entry entry) {
    if (!Files.exists(entry.cgroup())) {
      try {
        file.remove(entry);
      } catch (IOException e) {
        LOG.warn("{} could not be forgotten: {}", entry, e.getMessage());
      }
    }
  }

  private CgroupLimiter limiter(String uuid) {
    return inventory
        .find(uuid)
        .flatMap(Device::limiter)
        .orElseThrow(() -> new IllegalStateException("device " + uuid + " has no limiter"));
  }
}
