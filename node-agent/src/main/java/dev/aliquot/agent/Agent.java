package dev.aliquot.agent;

import dev.aliquot.agent.bypass.BypassWatch;
import dev.aliquot.agent.count.Counters;
import dev.aliquot.agent.deep.DeepDriver;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.agent.device.NvmlInventory;
import dev.aliquot.agent.history.History;
import dev.aliquot.agent.limits.TenantLimits;
import dev.aliquot.agent.page.PageLayout;
import dev.aliquot.agent.pool.CudaChunkMaker;
import dev.aliquot.agent.pool.HostMemory;
import dev.aliquot.agent.pool.HostPool;
import dev.aliquot.agent.pool.NumaNodes;
import dev.aliquot.agent.process.MemoryRoom;
import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.process.ProcessWatcher;
import dev.aliquot.agent.share.Budget;
import dev.aliquot.agent.state.AgentLock;
import dev.aliquot.agent.state.StateDir;
import dev.aliquot.agent.state.TenantRecords;
import dev.aliquot.agent.tenant.AgentTraits;
import dev.aliquot.agent.tenant.Arrivals;
import dev.aliquot.agent.tenant.DeepContext;
import dev.aliquot.agent.tenant.PodContainers;
import dev.aliquot.agent.tenant.Residencies;
import dev.aliquot.agent.tenant.Tenant;
import dev.aliquot.agent.tenant.TenantContext;
import dev.aliquot.agent.tenant.Tenants;
import dev.aliquot.agent.truth.GroundTruth;
import dev.aliquot.agent.view.HistoryView;
import dev.aliquot.agent.view.LiveView;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.agent.view.TenantGrant;
import dev.aliquot.agent.view.TenantResize;
import dev.aliquot.agent.view.TenantSpec;
import dev.aliquot.agent.view.TenantView;
import dev.aliquot.agent.wire.TenantSockets;
import dev.aliquot.ffm.NativeException;
import dev.aliquot.health.catalogue.Catalogue;
import dev.aliquot.ledger.Headroom;
import dev.aliquot.nvml.Nvml;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The agent. Thread-safe. */
public final class Agent implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Agent.class);
  private static final Duration IDLE_TIMEOUT = Duration.ofSeconds(5);
  private static final int MOST_CONNECTIONS = 64;

  /** As many as a tenant can have processes. */
  private static final int MOST_ASKS = 512;

  private final AgentOptions options;
  private final InstantSource clock;
  private final Instant started;
  private final StateDir state;
  private final Driver driver;
  private final Inventory inventory;
  private final Counters counters;
  private final GroundTruth truth;
  private final HostPool pool;
  private final Residencies residencies;
  private final Tenants tenants;
  private final TenantLimits limits;
  private final BypassWatch bypass;
  private final TenantOrders orders;
  private final PodTenants pods;
  private final AgentHealth health;
  private final History history;
  private final Cleanup cleanup;
  private volatile boolean ready;

  private Agent(AgentOptions options, InstantSource clock, Cleanup cleanup) throws IOException {
    this.options = options;
    this.clock = clock;
    this.cleanup = cleanup;
    this.started = clock.instant();
    this.state = StateDir.prepare(options.stateDir());
    cleanup.add("the state directory's lock", AgentLock.take(state.lockFile()));
    this.driver = Driver.provide(options, state);
    Catalogue catalogue = AgentHealth.catalogue(options.health());
    Nvml nvml = Nvml.open(driver.nvml());
    Headroom headroom = new Headroom(options.headroomPercent(), options.headroomMinBytes());
    this.inventory = NvmlInventory.of(nvml, headroom);
    this.counters = new Counters();
    ProcFs proc = ProcFs.system();
    this.truth = new GroundTruth();
    AtomicReference<@Nullable AgentHealth> watching = new AtomicReference<>();
    cleanup.add(
        "the driver",
        () -> {
          AgentHealth started = watching.get();
          boolean left = started == null || started.stop();
          // A thread that hangs in the driver must not find it shut down when it comes back.
          if (truth.stop() && left) {
            nvml.close();
          }
        });
    ProcessWatcher watcher = cleanup.add("the process watcher", new ProcessWatcher(proc));
    TenantSockets sockets =
        cleanup.add(
            "the sockets", new TenantSockets(IDLE_TIMEOUT, MOST_CONNECTIONS, MOST_ASKS, counters));
    this.pool =
        new HostPool(
            options.hostPool().on(HostMemory.system()),
            HostMemory::system,
            CudaChunkMaker.opener(driver.cuda()),
            started.toEpochMilli());
    this.residencies = new Residencies(options.swap().rules(), System::nanoTime);
    DeepDriver deep =
        cleanup.add(
            "checkpoints under way",
            new DeepDriver(
                driver.cuda(),
                proc,
                new MemoryRoom(Path.of("/proc"), options.limits().cgroupRoot()),
                options.swap().deepLockTimeout()));
    Arrivals arrivals = new Arrivals();
    TenantContext context =
        new TenantContext(
            proc,
            watcher,
            new TenantRecords(state.registry()),
            counters,
            pool,
            NumaNodes.system(),
            residencies,
            new DeepContext(deep, truth, options.swap().deepAfter()),
            arrivals,
            new PodContainers(state.pods()),
            Budget.of(Path.of("/proc/self/limits")),
            System::nanoTime);
    AgentTraits traits =
        new AgentTraits(
            (started.toEpochMilli() << 16) | (ProcessHandle.current().pid() & 0xffff),
            options.agentWait(),
            // the process that asked must still be there for the answer
            options.agentWait().multipliedBy(3).dividedBy(4),
            checkedPath(driver.cuda()),
            checkedPath(driver.nvml()));
    Lender lender = new Lender(inventory.devices(), pool, options.hostPool().lending());
    lender.tick();
    this.tenants =
        cleanup.add("the tenants", new Tenants(state, inventory, context, sockets, truth, traits));
    cleanup.add("the host pool", pool);
    this.limits =
        cleanup.add(
            "the driver's limits",
            TenantLimits.choose(options.limits(), inventory, proc, watcher, state.limitsFile()));
    tenants.whenEnded(limits::ended);
    this.bypass =
        cleanup.add(
            "what is suspended",
            BypassWatch.start(
                options.bypass(),
                proc,
                counters,
                clock,
                options.samplePeriod(),
                driver.cuda(),
                state.suspendedFile()));
    this.orders =
        new TenantOrders(
            state,
            tenants,
            limits,
            new Admissions(inventory, proc, clock, options.swap().mode()),
            driver.environment());
    this.pods = new PodTenants(inventory, tenants, proc, clock, options.swap().mode(), orders);
    truth.start(
        inventory,
        tenants,
        proc,
        counters,
        options.samplePeriod(),
        bypass,
        options.bypass().toleranceBytes());
    tenants.restore();
    lender.tick();
    limits.reconcile(tenants.all().stream().map(Tenant::record).toList());
    truth.readAll();
    bypass.watch();
    this.health =
        AgentHealth.begin(
            options, catalogue, nvml, inventory, tenants, driver, state, clock, counters);
    watching.set(health);
    cleanup.add("the watch for faults", health);
    arrivals.listen(health::attached);
    Evacuation evacuation =
        new Evacuation(
            options.health().tenants(), options.health().grace(), inventory, tenants, proc);
    this.history =
        new History(
            NodeViews.gauges(inventory, truth, options.samplePeriod()), System::nanoTime, clock);
    cleanup.add("the ticker", new Ticker(tenants, truth, inventory, lender, evacuation, history));
    ready = true;
  }

  /**
   * Starts serving: takes the state directory, opens the driver, carries on with the tenants of an
   * earlier agent.
   *
   * @throws AgentException with the reason why not
   */
  public static Agent start(AgentOptions options, InstantSource clock) throws AgentException {
    Cleanup cleanup = new Cleanup();
    boolean served = false;
    try {
      Agent agent = new Agent(options, clock, cleanup);
      served = true;
      LOG.info(
          "serving {} devices and {} tenants from {}",
          agent.inventory.devices().size(),
          agent.tenants.all().size(),
          agent.state.path());
      return agent;
    } catch (AgentLock.HeldException e) {
      throw new AgentException(AgentException.Kind.CONFLICT, String.valueOf(e.getMessage()), e);
    } catch (IOException | NativeException e) {
      throw new AgentException(AgentException.Kind.UNAVAILABLE, String.valueOf(e.getMessage()), e);
    } finally {
      if (!served) {
        cleanup.close();
      }
    }
  }

  /**
   * The node as last sampled, with credit and reports as they are now. Cheap: never waits for the
   * driver.
   */
  public NodeView view() {
    List<TenantView> tenantViews = NodeViews.tenants(tenants.all(), bypass);
    return new NodeView(
        options.nodeName(),
        options.version(),
        inventory.driverVersion(),
        inventory.cudaVersion(),
        driver.simulatedNode() != null,
        started,
        truth.lastRead(clock),
        ready && truth.hasRead(),
        !ready
            ? "the agent is stopping"
            : truth.hasRead()
                ? ""
                : "not every device has been read yet, or there is none: see aliquot doctor",
        inventory.devices().stream()
            .map(device -> NodeViews.device(device, truth, bypass, residencies, tenantViews))
            .toList(),
        tenantViews,
        NodeViews.events(bypass.events()),
        pool.view(),
        health.view(),
        null);
  }

  /** The devices' last hour. Cheap. */
  public HistoryView history() {
    return history.view();
  }

  /** The node and the history's latest point. As cheap as {@link #view}. */
  public LiveView live() {
    return new LiveView(clock.instant(), view(), history.latest());
  }

  /** Faults, and what they make of devices. */
  public AgentHealth health() {
    return health;
  }

  /**
   * Makes a tenant whose processes are the descendants of the spec's root process, the peer itself
   * unless named.
   *
   * @throws AgentException when the spec is invalid, or the device has no room: the sentence says
   *     what is free
   */
  public TenantGrant createTenant(TenantSpec spec, Peer peer) throws AgentException {
    return orders.create(spec, peer);
  }

  /**
   * Changes a tenant's share of each of its devices, at once; its processes are not restarted.
   *
   * @throws AgentException NOT_FOUND; INVALID; NO_ROOM when a larger request is not free; FORBIDDEN
   *     as for {@link #endTenant}
   */
  public void resizeTenant(String idOrName, TenantResize change, Peer peer) throws AgentException {
    orders.resize(idOrName, change, peer);
  }

  /**
   * Has a tenant's data move to host memory, or back; it comes back by itself when it needs the
   * device. Does not wait for it.
   *
   * @throws AgentException NOT_FOUND; INVALID where the tenant has no memory that moves; FORBIDDEN
   *     as for {@link #endTenant}
   */
  public void swapTenant(String idOrName, SwapWay way, Peer peer) throws AgentException {
    orders.swap(idOrName, way, peer);
  }

  /**
   * Ends a tenant: nothing new may be held; it goes when its last process has.
   *
   * @throws AgentException NOT_FOUND; FORBIDDEN where the tenant is another user's and the peer is
   *     neither root nor the agent's own user
   */
  public void endTenant(String idOrName, Peer peer) throws AgentException {
    orders.end(idOrName, peer);
  }

  /** Tenants for containers of pods. */
  public PodTenants pods() {
    return pods;
  }

  /** The node's devices. */
  public Inventory inventory() {
    return inventory;
  }

  /** What a container has to be given to be a tenant. */
  public Places places() {
    return driver.places(state);
  }

  /** Who holds tenants to their memory. */
  TenantLimits limits() {
    return limits;
  }

  /** Counters since this agent started. */
  public AgentStats stats() {
    return AgentStats.of(counters);
  }

  /**
   * Writes {@code agent.json} (pid, http, version) into the state directory, where the other
   * commands look for it.
   */
  public void announce(String httpAddress) throws AgentException {
    try {
      AgentFile.write(state, httpAddress, options.version());
      cleanup.add("agent.json", () -> AgentFile.delete(state));
    } catch (IOException e) {
      throw new AgentException(
          AgentException.Kind.UNAVAILABLE,
          state.agentFile() + " cannot be written: " + e.getMessage(),
          e);
    }
  }

  /** Stops serving. Tenants run on within their credit, and the next agent carries on with them. */
  @Override
  public void close() {
    ready = false;
    cleanup.close();
  }

  private static Path checkedPath(Path library) throws IOException {
    if (library.toString().getBytes(StandardCharsets.UTF_8).length >= PageLayout.PATH_BYTES) {
      throw new IOException(
          library
              + " has too long a path: at most "
              + (PageLayout.PATH_BYTES - 1)
              + " bytes fit the tenants' pages");
    }
    return library;
  }
}
