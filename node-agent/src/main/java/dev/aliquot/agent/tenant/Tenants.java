package dev.aliquot.agent.tenant;

import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.agent.process.ProcessId;
import dev.aliquot.agent.process.ProcessWatcher;
import dev.aliquot.agent.state.StateDir;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.agent.wire.ServedSocket;
import dev.aliquot.agent.wire.TenantSockets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All tenants of the node. Looking is lock-free; making and ending tenants, and with it the
 * devices' ledgers, is guarded by one lock, under which the driver is never called.
 */
public final class Tenants implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Tenants.class);

  /** Far more than a node's devices can serve; a loop that makes tenants ends here. */
  private static final int MOST_TENANTS = 1024;

  /** Looking at processes takes at most one part in so many of a processor's time. */
  private static final int LOOKING_SHARE = 20;

  private final StateDir state;
  private final TenantContext context;
  private final TenantSockets sockets;
  private final Settling settling;
  private final AgentTraits agent;
  private final Map<String, Live> live = new ConcurrentHashMap<>();
  private final Allocations allocations;
  private volatile Consumer<TenantRecord> onEnd = record -> {};
  private boolean closed;

  /** Whose record could not be written last time: told once. */
  private final Set<String> unsaved = new HashSet<>();

  /** By {@link System#nanoTime}; only the caller of {@link #tick} uses it. */
  private long nextLook = System.nanoTime();

  private record Live(
      Tenant tenant,
      TenantFiles files,
      ServedSocket socket,
      ProcessWatcher.@Nullable Watch rootWatch) {}

  public Tenants(
      StateDir state,
      Inventory inventory,
      TenantContext context,
      TenantSockets sockets,
      Settling settling,
      AgentTraits agent) {
    this.state = state;
    this.allocations = new Allocations(inventory);
    this.context = context;
    this.sockets = sockets;
    this.settling = settling;
    this.agent = agent;
  }

  /** Calls back when a tenant has ended, under the lock: must not block. */
  public void whenEnded(Consumer<TenantRecord> callback) {
    onEnd = callback;
  }

  /** Every tenant. */
  public Collection<Tenant> all() {
    return live.values().stream().map(Live::tenant).toList();
  }

  /** By id alone. */
  public Optional<Tenant> byId(String id) {
    return Optional.ofNullable(live.get(id)).map(Live::tenant);
  }

  /** By id, else by name. */
  public Optional<Tenant> find(String idOrName) {
    Live byId = live.get(idOrName);
    return byId != null
        ? Optional.of(byId.tenant())
        : all().stream().filter(tenant -> tenant.record().name().equals(idOrName)).findFirst();
  }

  /**
   * Makes a tenant: allocates its requests, then makes its files, then serves it. All or nothing.
   *
   * @throws RefusedException when its name is taken or a device has no room
   * @throws IOException when its files cannot be made
   */
  public synchronized Tenant create(TenantRecord record) throws RefusedException, IOException {
    if (closed) {
      throw new IOException("the agent is stopping");
    }
    if (find(record.name()).isPresent()) {
      throw new RefusedException(
          "there is a tenant named "
              + record.name()
              + " already: choose another name or end that one",
          true);
    }
    if (live.size() >= MOST_TENANTS) {
      throw new RefusedException(
          "this node has " + MOST_TENANTS + " tenants, as many as it can have: end one", false);
    }
    List<Device> devices = allocations.admit(record);
    boolean made = false;
    try {
      Tenant tenant = make(record, devices);
      made = true;
      return tenant;
    } finally {
      if (!made) {
        allocations.release(record);
      }
    }
  }

  /**
   * Carries on with the tenants of an earlier agent, and removes what is left of those that ended
   * without one.
   */
  public synchronized void restore() throws IOException {
    List<Tenant> restored = new ArrayList<>();
    for (TenantRecord record : context.records().load()) {
      try {
        restored.add(restore(record));
      } catch (IOException | RuntimeException e) {
        forget(record, e);
      }
    }
    // Only now that every book is there may anybody be given of the room that the others leave.
    Set<String> kept = new HashSet<>();
    for (Tenant tenant : restored) {
      try {
        serve(tenant, TenantFiles.of(state, tenant.record()));
        kept.add(tenant.id());
      } catch (IOException | RuntimeException e) {
        tenant.release();
        tenant.chunks().end();
        forget(tenant.record(), e);
      }
    }
    removeAllBut(kept, state.tenants());
    removeAllBut(kept, state.pods());
    all().forEach(this::endIfOver);
  }

  private static void removeAllBut(Set<String> kept, Path folder) throws IOException {
    try (var directories = Files.newDirectoryStream(folder)) {
      for (Path directory : directories) {
        if (!kept.contains(directory.getFileName().toString())) {
          LOG.info("removing {}: nobody's", directory);
          removeQuietly(new TenantFiles(directory));
        }
      }
    }
  }

  /**
   * Changes a tenant's shares, at once and without a word to its processes: a larger one is there
   * if it is free, what it holds beyond a smaller request is a loan.
   *
   * @throws RefusedException when a device has no room
   * @throws IOException when the change cannot be kept on disk: then nothing has changed
   */
  public synchronized void resize(Tenant tenant, List<TenantRecord.Grant> grants)
      throws RefusedException, IOException {
    TenantRecord after = tenant.record().withGrants(grants);
    allocations.checkResize(after);
    // on disk first: a share that was larger for a moment only could be in use already
    context.records().save(after);
    allocations.resize(after);
    tenant.resized(after);
    tenant.expectChunks();
  }

  /** Ends a tenant: nothing new is held from now on, and it goes with its last process. */
  public void end(Tenant tenant) {
    tenant.end();
    endIfOver(tenant);
  }

  /** Signs of life, and a look at who belongs to whom; to be called about once a second. */
  public void tick() {
    boolean look = System.nanoTime() - nextLook >= 0;
    long start = System.nanoTime();
    for (Tenant tenant : all()) {
      try {
        tenant.heartbeat();
        if (look) {
          tenant.family().refresh();
        }
        save(tenant);
        endIfOver(tenant);
      } catch (RuntimeException e) {
        LOG.error("a regular look at tenant {} failed", tenant.id(), e);
      }
    }
    if (look) {
      nextLook = System.nanoTime() + LOOKING_SHARE * (System.nanoTime() - start);
    }
  }

  /** Off the threads that answer tenants: a slow disk is not theirs to wait for. */
  private synchronized void save(Tenant tenant) {
    if (!live.containsKey(tenant.id())) {
      return;
    }
    tenant
        .takeUnsaved()
        .ifPresent(
            record -> {
              try {
                context.records().save(record);
                unsaved.remove(record.id());
              } catch (IOException e) {
                tenant.notSaved();
                if (unsaved.add(record.id())) {
                  LOG.warn(
                      "what is known of tenant {} is not saved, which is tried again: {}",
                      record.id(),
                      e.getMessage());
                }
              }
            });
  }

  private static void removeQuietly(TenantFiles files) {
    try {
      files.delete();
    } catch (IOException e) {
      LOG.error("{} cannot be removed: {}", files.directory(), e.getMessage());
    }
  }

  /** The tenant that a process without a slot belongs to. */
  public Optional<Tenant> ownerOf(int pid) {
    return context
        .proc()
        .stat(pid)
        .flatMap(
            process -> all().stream().filter(tenant -> tenant.family().owns(process)).findFirst());
  }

  /** The tenant that a process has attached to, else the one that it belongs to. */
  public Optional<Tenant> tenantOf(int pid) {
    return context
        .proc()
        .stat(pid)
        .flatMap(
            process ->
                all().stream().filter(tenant -> tenant.hasAttached(process.id())).findFirst())
        .or(() -> ownerOf(pid));
  }

  /** Stops serving; every tenant stays on disk and its processes run on. */
  @Override
  public synchronized void close() {
    closed = true;
    all().forEach(tenant -> tenant.devices().forEach(device -> device.book().stop()));
    for (Live each : live.values()) {
      save(each.tenant());
      each.socket().close();
      if (each.rootWatch() != null) {
        each.rootWatch().close();
      }
      each.tenant().release();
    }
    live.clear();
  }

  private Tenant make(TenantRecord record, List<Device> devices) throws IOException {
    TenantFiles files = TenantFiles.of(state, record);
    TenantFiles.@Nullable Pages pages = null;
    try {
      // a container runtime makes an empty folder where a mount's source is missing
      files.delete();
      pages = files.create(state, record);
      Tenant tenant = newTenant(record, pages, devices);
      tenant.agent(agent);
      tenant.publish();
      tenant.heartbeat();
      context.records().save(record);
      serve(tenant, files);
      return tenant;
    } catch (IOException | RuntimeException e) {
      allocations.release(record);
      if (pages != null) {
        pages.close();
      }
      removeQuietly(files);
      context.records().delete(record.id());
      throw e;
    }
  }

  private Tenant restore(TenantRecord record) throws IOException {
    List<Device> devices = allocations.restore(record);
    Tenant tenant = newTenant(record, TenantFiles.of(state, record).open(), devices);
    try {
      tenant.agent(agent);
      tenant.heartbeat();
      tenant.restore();
      tenant.family().refresh();
      return tenant;
    } catch (RuntimeException e) {
      tenant.release();
      tenant.chunks().end();
      throw e;
    }
  }

  private void forget(TenantRecord record, Exception why) throws IOException {
    LOG.error(
        "tenant {} ({}) cannot be carried on with: {}",
        record.id(),
        record.name(),
        why.getMessage());
    allocations.release(record);
    context.records().delete(record.id());
  }

  private Tenant newTenant(TenantRecord record, TenantFiles.Pages pages, List<Device> devices) {
    return new Tenant(
        context, record, pages, devices, () -> find(record.id()).ifPresent(this::endIfOver));
  }

  private void serve(Tenant tenant, TenantFiles files) throws IOException {
    ServedSocket socket =
        sockets.serve(files.socket(), new Answers(tenant, context, settling, agent.roomWait()));
    files.openSocket(state, tenant.record());
    TenantRecord record = tenant.record();
    ProcessWatcher.Watch rootWatch =
        record.rootPid() == 0 || record.outlivesProcesses()
            ? null
            : context
                .watcher()
                .watch(
                    new ProcessId(record.rootPid(), record.rootStartTime()),
                    () -> endIfOver(tenant));
    live.put(tenant.id(), new Live(tenant, files, socket, rootWatch));
    tenant.expectChunks();
  }

  /** Has the processes of a tenant that are away come back. Waits for nobody. */
  public void swapIn(Tenant tenant) {
    new Returning(tenant, context, settling, agent.roomWait()).resumeAll();
  }

  private void endIfOver(Tenant tenant) {
    if (!tenant.isOver()) {
      return;
    }
    synchronized (this) {
      Live gone = closed ? null : live.get(tenant.id());
      if (gone == null) {
        return;
      }
      TenantRecord record = tenant.record();
      tenant.markClosed();
      gone.socket().close();
      if (gone.rootWatch() != null) {
        gone.rootWatch().close();
      }
      tenant.release();
      tenant.chunks().end();
      allocations.release(record);
      tenant.devices().forEach(device -> device.room().fire());
      try {
        context.records().delete(record.id());
      } catch (IOException e) {
        LOG.error("the record of tenant {} cannot be removed: {}", record.id(), e.getMessage());
      }
      removeQuietly(gone.files());
      live.remove(record.id());
      unsaved.remove(record.id());
      onEnd.accept(record);
      LOG.info("tenant {} ({}) has ended", record.id(), record.name());
    }
  }
}
