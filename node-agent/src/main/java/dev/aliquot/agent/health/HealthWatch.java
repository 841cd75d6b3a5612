package dev.aliquot.agent.health;

import dev.aliquot.agent.count.Counters;
import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.DeviceEvents;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.agent.kmsg.KernelLog;
import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.agent.tenant.Tenants;
import dev.aliquot.agent.view.DrillSpec;
import dev.aliquot.agent.view.DrillView;
import dev.aliquot.agent.view.FaultView;
import dev.aliquot.agent.view.HealthView;
import dev.aliquot.health.catalogue.Catalogue;
import dev.aliquot.health.device.DeviceBreaker;
import dev.aliquot.health.fault.XidReports;
import dev.aliquot.nvml.PciAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Watches for faults, from all sources. Thread-safe; nothing here waits for the driver. */
public final class HealthWatch implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(HealthWatch.class);
  private static final Duration TICK = Duration.ofMillis(500);

  /**
   * Whose processes are on the devices is read from /proc, and that is slower than all the rest.
   */
  private static final int TICKS_PER_LOOK = 2;

  private static final Duration RETRY = Duration.ofSeconds(5);
  private static final Duration PATIENCE = Duration.ofSeconds(2);
  private static final int SHOWN = 20;

  private final Catalogue catalogue;
  private final XidReports reports;
  private final Saving saving;
  private final Tenants tenants;
  private final Culprits culprits;
  private final FaultDesk desk;
  private final Degradations degradations = new Degradations();
  private final Drills drills = new Drills();
  private final FaultHistory history = new FaultHistory();
  private final List<DevicePoll> polls;
  private final @Nullable EventLoop events;
  private final KernelLog log;
  private final Path logPath;
  private final ScheduledExecutorService ticker =
      Executors.newSingleThreadScheduledExecutor(
          task -> Thread.ofPlatform().daemon().name("aliquot-health").unstarted(task));

  /** The ticker's own. */
  private int ticks;

  /**
   * Begins. An agent that carries on after another acts on everything since; the first one tells
   * what is in the log already, and acts on what comes.
   *
   * @param events NVML's; null: the driver has none
   * @param kernelLog /dev/kmsg or a file of the same form
   * @param state where it is kept over restarts
   * @param boot which start of the machine this is
   */
  public HealthWatch(
      HealthOptions options,
      Catalogue catalogue,
      Inventory inventory,
      Tenants tenants,
      @Nullable DeviceEvents events,
      Path kernelLog,
      Path state,
      String boot,
      InstantSource clock,
      Counters counters) {
    this.catalogue = catalogue;
    this.logPath = kernelLog;
    HealthFile file = new HealthFile(state, boot);
    this.tenants = tenants;
    this.culprits = new Culprits(inventory, new TenantProcesses(tenants, ProcFs.system())::owner);
    Optional<HealthFile.Content> earlier = file.load();
    earlier.ifPresent(content -> history.restore(content.faults()));
    this.desk =
        new FaultDesk(
            new Standings(
                inventory,
                options.hold(),
                new DeviceBreaker(inventory.devices().size(), options.breakerPercent()),
                earlier.map(HealthFile.Content::devices).orElse(Map.of())),
            clock,
            System::nanoTime,
            culprits,
            history,
            counters,
            Math.max(history.nextId(), earlier.map(HealthFile.Content::nextFault).orElse(1L)));
    this.reports = new XidReports(catalogue);
    this.polls =
        inventory.devices().stream()
            .map(device -> new DevicePoll(device, desk, clock, System::nanoTime))
            .toList();
    this.events =
        events == null
            ? null
            : new EventLoop(
                events, reports, desk, degradations, this::askAll, clock, System::nanoTime, RETRY);
    if (events == null) {
      degradations.begin(
          Degradations.What.NVML_EVENTS,
          "the driver delivers no events; the kernel log and the devices' own word remain");
    }
    this.saving = new Saving(file, earlier, desk, history, degradations);
    countDevices(options, inventory);
    boolean hostPids = hasHostPids(kernelLog);
    OptionalLong beginNanos =
        earlier.isPresent() ? OptionalLong.empty() : OptionalLong.of(System.nanoTime());
    this.log =
        KernelLog.follow(
            kernelLog,
            saving.position(),
            RETRY,
            clock,
            new KernelFaults(
                addresses(inventory),
                reports,
                desk,
                degradations,
                drills,
                this::askAll,
                clock,
                System::nanoTime,
                beginNanos,
                hostPids));
    var _ =
        ticker.scheduleWithFixedDelay(
            this::tick, TICK.toMillis(), TICK.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** How faults are watched for, and the latest of them. */
  public HealthView view() {
    return new HealthView(
        degradations.all(),
        catalogue.version(),
        log.isReadable(),
        log.recordsRead(),
        log.recordsLost(),
        desk.heldBack(),
        history.latest(SHOWN),
        null);
  }

  /** All that are remembered, the latest last. */
  public List<FaultView> faults() {
    return history.all();
  }

  /** Takes back what faults have made of a device; what it says of itself still counts. */
  public void clear(Device device) {
    desk.clear(device);
    askAll();
  }

  /**
   * Makes a fault for practice by way of the log, or says what it would do.
   *
   * @throws IOException when the log cannot be written
   */
  public DrillView drill(Device device, DrillSpec spec) throws IOException {
    PciAddress address =
        PciAddress.parse(device.facts().pciAddress())
            .orElseThrow(() -> new IOException("it is not known where the device is"));
    int pid = Objects.requireNonNullElse(spec.pid(), 0);
    String words =
        Drills.words(address, spec.code(), pid, Objects.requireNonNullElse(spec.message(), ""));
    DrillView view =
        new Rehearsal(catalogue, reports, culprits, tenants, desk.breaker())
            .view(device, words, !spec.dryRun());
    if (!spec.dryRun()) {
      boolean isDevice = !Files.isRegularFile(logPath);
      Files.writeString(
          logPath,
          (isDevice ? "<12>" : "") + drills.marked(words) + "\n",
          StandardOpenOption.APPEND);
    }
    return view;
  }

  /** A process has attached to a tenant. Takes no lock that is held for long. */
  public void attached(int pid, TenantRecord tenant) {
    culprits.attached(pid, TenantProcesses.blame(tenant), System.nanoTime());
  }

  private static Map<PciAddress, String> addresses(Inventory inventory) {
    Map<PciAddress, String> devices = new HashMap<>();
    for (Device device : inventory.devices()) {
      PciAddress.parse(device.facts().pciAddress())
          .ifPresent(address -> devices.put(address, device.uuid()));
    }
    return devices;
  }

  /** Of a file it is taken for granted: whoever names one knows what is in it. */
  private boolean hasHostPids(Path kernelLog) {
    boolean isKernels = Files.exists(kernelLog) && !Files.isRegularFile(kernelLog);
    boolean has = !isKernels || ProcFs.system().isInFirstPidNamespace();
    if (!has) {
      degradations.begin(
          Degradations.What.PID_NAMESPACE,
          "the agent does not see processes by the numbers that the kernel log has, so programs'"
              + " faults are nobody's: run it in the host's pid namespace (hostPID: true)");
    }
    return has;
  }

  private void countDevices(HealthOptions options, Inventory inventory) {
    int there = inventory.devices().size();
    if (there < options.expectedDevices()) {
      degradations.begin(
          Degradations.What.DEVICE_COUNT,
          "there are " + there + " devices, and expected-devices is " + options.expectedDevices());
    }
  }

  private void askAll() {
    polls.forEach(DevicePoll::ask);
  }

  private void tick() {
    try {
      if (ticks++ % TICKS_PER_LOOK == 0) {
        culprits.remember(System.nanoTime());
      }
      polls.forEach(DevicePoll::checkSilence);
      desk.tick();
      desk.whyHeldBack()
          .ifPresentOrElse(
              why -> degradations.begin(Degradations.What.DEVICE_BREAKER, why),
              () -> degradations.end(Degradations.What.DEVICE_BREAKER));
      saving.save(log.position(), false);
    } catch (RuntimeException e) {
      LOG.error("a regular look at the devices' health failed", e);
    }
  }

  /** Whether every thread has left the driver; waits for all together. */
  public boolean stop() {
    long end = System.nanoTime() + PATIENCE.toNanos();
    ticker.shutdown();
    log.close();
    polls.forEach(DevicePoll::stop);
    if (events != null) {
      events.stop();
    }
    boolean left = events == null || events.join(until(end));
    for (DevicePoll poll : polls) {
      left &= poll.join(until(end));
    }
    if (tickerHasEnded(until(end))) {
      saving.save(log.position(), true);
    }
    return left;
  }

  private static Duration until(long end) {
    return Duration.ofNanos(Math.max(1, end - System.nanoTime()));
  }

  /** Only one thread writes the file. */
  private boolean tickerHasEnded(Duration most) {
    try {
      return ticker.awaitTermination(most.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  @Override
  public void close() {
    stop();
  }
}
