package dev.aliquot.agent.tenant;

import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.agent.process.ProcessId;
import dev.aliquot.agent.process.ProcessWatcher;
import dev.aliquot.agent.state.StateDir;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.agent.wire.ServedSocket;
import dev.aliquot.agent.wire.TenantSockets;
import dev.aliquot.ledger.Admission;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All tenants of the node. Looking is lock-free; making and ending tenants, and with it the
 * devices' ledgers, is guarded by one lock, under which the driver is never called.
 */
public final class Tenants implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Tenants.class);

  private final StateDir state;
  private final Inventory inventory;
  private final TenantContext context;
  private final TenantSockets sockets;
  private final Settling settling;
  private final AgentTraits agent;
  private final Map<String, Live> live = new ConcurrentHashMap<>();
  private boolean closed;

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
    this.inventory = inventory;
    this.context = context;
    this.sockets = sockets;
    this.settling = settling;
    this.agent = agent;
  }

  /** Every tenant. */
  public Collection<Tenant> all() {
    return live.values().stream().map(Live::tenant).toList();
  }

  /** By id, else by name. */
  public Optional<Tenant> find(String idOrName) {
    Live byId = live.get(idOrName);
    return byId != null
        ? Optional.of(byId.tenant())
        : all().stream().filter(tenant -> tenant.record().name().equals(idOrName)).findFirst();
  }

  /** A tenant cannot be made; the message is a sentence for a person. */
  public static final class RefusedException extends Exception {
    private static final long serialVersionUID = 1L;
    private final boolean nameTaken;

    RefusedException(String sentence, boolean nameTaken) {
      super(sentence);
      this.nameTaken = nameTaken;
    }

    public boolean nameTaken() {
      return nameTaken;
    }
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
    List<Device> devices = devicesOf(record);
    List<Device> admitted = new ArrayList<>();
    boolean made = false;
    try {
      for (int i = 0; i < devices.size(); i++) {
        Admission admission =
            devices.get(i).ledger().admit(record.id(), record.grants().get(i).requestBytes());
        if (admission instanceof Admission.Refused(String sentence)) {
          throw new RefusedException(sentence, false);
        }
        admitted.add(devices.get(i));
      }
      Tenant tenant = make(record, devices);
      made = true;
      return tenant;
    } finally {
      if (!made) {
        admitted.forEach(device -> device.ledger().release(record.id()));
      }
    }
  }

  /**
   * Carries on with the tenants of an earlier agent, and removes what is left of those that ended
   * without one.
   */
  public synchronized void restore() throws IOException {
    Set<String> kept = new HashSet<>();
    for (TenantRecord record : context.records().load()) {
      kept.add(record.id());
      try {
        restore(record);
      } catch (IOException | RuntimeException e) {
        LOG.error(
            "tenant {} ({}) cannot be carried on with: {}",
            record.id(),
            record.name(),
            e.getMessage());
        devicesPresent(record).forEach(device -> device.ledger().release(record.id()));
        TenantFiles.of(state, record.id()).delete();
        context.records().delete(record.id());
      }
    }
    try (var directories = java.nio.file.Files.newDirectoryStream(state.tenants())) {
      for (var directory : directories) {
        String id = directory.getFileName().toString();
        if (!kept.contains(id)) {
          LOG.info("removing {}: nobody's", directory);
          TenantFiles.of(state, id).delete();
        }
      }
    }
    all().forEach(this::endIfOver);
  }

  /** Ends a tenant: nothing new is held from now on, and it goes with its last process. */
  public void end(Tenant tenant) {
    tenant.end();
    endIfOver(tenant);
  }

  /** Signs of life, and a look at who belongs to whom; to be called about once a second. */
  public void tick() {
    for (Tenant tenant : all()) {
      tenant.heartbeat();
      tenant.family().refresh();
      endIfOver(tenant);
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

  /** Stops serving; every tenant stays on disk and its processes run on. */
  @Override
  public synchronized void close() {
    closed = true;
    for (Live each : live.values()) {
      each.socket().close();
      if (each.rootWatch() != null) {
        each.rootWatch().close();
      }
      each.tenant().release();
    }
    live.clear();
  }

  private List<Device> devicesOf(TenantRecord record) throws IOException {
    List<Device> devices = new ArrayList<>();
    for (TenantRecord.Grant grant : record.grants()) {
      devices.add(
          inventory
              .find(grant.device())
              .orElseThrow(
                  () ->
                      new IOException("this node has no device " + grant.device() + " any more")));
    }
    return devices;
  }

  private List<Device> devicesPresent(TenantRecord record) {
    return record.grants().stream()
        .flatMap(grant -> inventory.find(grant.device()).stream())
        .toList();
  }

  private Tenant make(TenantRecord record, List<Device> devices) throws IOException {
    TenantFiles files = TenantFiles.of(state, record.id());
    TenantFiles.@Nullable Pages pages = null;
    try {
      pages = files.create(state, record);
      Tenant tenant = newTenant(record, pages, devices);
      tenant.agent(agent);
      tenant.publish();
      tenant.heartbeat();
      context.records().save(record);
      serve(tenant, files);
      return tenant;
    } catch (IOException | RuntimeException e) {
      if (pages != null) {
        pages.close();
      }
      files.delete();
      context.records().delete(record.id());
      throw e;
    }
  }

  private void restore(TenantRecord record) throws IOException {
    List<Device> devices = devicesOf(record);
    for (int i = 0; i < devices.size(); i++) {
      devices.get(i).ledger().restore(record.id(), record.grants().get(i).requestBytes());
    }
    TenantFiles files = TenantFiles.of(state, record.id());
    Tenant tenant = newTenant(record, files.open(), devices);
    tenant.agent(agent);
    tenant.heartbeat();
    tenant.restore();
    tenant.family().refresh();
    serve(tenant, files);
  }

  private Tenant newTenant(TenantRecord record, TenantFiles.Pages pages, List<Device> devices) {
    return new Tenant(
        context, record, pages, devices, () -> find(record.id()).ifPresent(this::endIfOver));
  }

  private void serve(Tenant tenant, TenantFiles files) throws IOException {
    ServedSocket socket = sockets.serve(files.socket(), new Answers(tenant, context, settling));
    files.openSocket();
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
      tenant.devices().forEach(device -> device.ledger().release(record.id()));
      try {
        context.records().delete(record.id());
        gone.files().delete();
      } catch (IOException e) {
        LOG.error("what is left of tenant {} cannot be removed: {}", record.id(), e.getMessage());
      }
      live.remove(record.id());
      LOG.info("tenant {} ({}) has ended", record.id(), record.name());
    }
  }
}
