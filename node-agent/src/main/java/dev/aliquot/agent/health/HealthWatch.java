package dev.aliquot.agent.health;

import dev.aliquot.agent.count.Counters;
import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.DeviceEvents;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.agent.kmsg.KernelLog;
import dev.aliquot.agent.kmsg.LogPosition;
import dev.aliquot.agent.tenant.Tenants;
import dev.aliquot.agent.view.DrillSpec;
import dev.aliquot.agent.view.DrillView;
import dev.aliquot.agent.view.FaultView;
import dev.aliquot.agent.view.HealthView;
import dev.aliquot.health.catalogue.Catalogue;
import dev.aliquot.health.fault.XidReports;
import dev.aliquot.nvml.PciAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
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
  private static final Duration RETRY = Duration.ofSeconds(5);
  private static final Duration PATIENCE = Duration.ofSeconds(2);
  private static final Duration SAVE = Duration.ofSeconds(1);
  private static final int SHOWN = 20;

  private final Catalogue catalogue;
  private final XidReports reports;
  private final HealthFile file;
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
  private LogPosition saved;

  private boolean unsaved;
  private long nextSave;

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
    this.file = new HealthFile(state, boot);
    this.tenants = tenants;
    this.culprits = new Culprits(inventory, tenants);
    Optional<HealthFile.Content> earlier = file.load();
    earlier.ifPresent(content -> history.restore(content.faults()));
    this.saved = earlier.map(HealthFile.Content::position).orElse(LogPosition.BEGINNING);
    this.desk =
        new FaultDesk(
            inventory,
            options.hold(),
            clock,
            System::nanoTime,
            culprits,
            history,
            counters,
            earlier.map(HealthFile.Content::nextFault).orElse(1L),
            earlier.map(HealthFile.Content::claims).orElse(Map.of()));
    this.reports = new XidReports(catalogue);
    this.polls =
        inventory.devices().stream()
            .map(device -> new DevicePoll(device, desk, clock, System::nanoTime))
            .toList();
    this.events =
        events == null
            ? null
            : new EventLoop(
                events, reports, desk, degradations, this::askAll, clock, System::nanoTime);
    if (events == null) {
      degradations.begin(
          Degradations.What.NVML_EVENTS,
          "the driver delivers no events; the kernel log and the devices' own word remain");
    }
    this.unsaved = earlier.isEmpty();
    countDevices(options, inventory);
    Instant begin = earlier.isPresent() ? Instant.MIN : clock.instant();
    this.log =
        KernelLog.follow(
            kernelLog,
            saved,
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
                begin));
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
        history.latest(SHOWN),
        null);
  }

  /** All that are remembered, the latest last. */
  public List<FaultView> faults() {
    return history.all();
  }

  /** Takes back what faults have made of a device; what it says of itself still counts. */
  public void clear(Device device) {
    var _ = desk.clear(device);
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
    String line =
        drills.line(address, spec.code(), pid, Objects.requireNonNullElse(spec.message(), ""));
    DrillView view =
        new Rehearsal(catalogue, reports, culprits, tenants)
            .view(device, drills.textOf(line), !spec.dryRun());
    if (!spec.dryRun()) {
      boolean isDevice = !Files.isRegularFile(logPath);
      Files.writeString(logPath, (isDevice ? "<12>" : "") + line + "\n", StandardOpenOption.APPEND);
    }
    return view;
  }

  private static Map<PciAddress, String> addresses(Inventory inventory) {
    Map<PciAddress, String> devices = new HashMap<>();
    for (Device device : inventory.devices()) {
      PciAddress.parse(device.facts().pciAddress())
          .ifPresent(address -> devices.put(address, device.uuid()));
    }
    return devices;
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
      culprits.remember(System.nanoTime());
      polls.forEach(DevicePoll::checkSilence);
      desk.tick();
      save(false);
    } catch (RuntimeException e) {
      LOG.error("a regular look at the devices' health failed", e);
    }
  }

  /** What was read is saved after what it told: killed in between, it is read and told again. */
  private void save(boolean last) {
    LogPosition position = log.position();
    unsaved |= desk.takeChanged();
    boolean due = System.nanoTime() - nextSave >= 0;
    if (!(unsaved && (due || last)) && (position.equals(saved) || !last)) {
      return;
    }
    nextSave = System.nanoTime() + SAVE.toNanos();
    try {
      file.save(position, desk.nextFault(), history.all(), desk.claims());
      saved = position;
      unsaved = false;
      degradations.end(Degradations.What.HEALTH_FILE);
    } catch (IOException e) {
      degradations.begin(
          Degradations.What.HEALTH_FILE,
          "faults cannot be kept over a restart of the agent: " + e.getMessage());
    }
  }

  /** Whether every thread has left the driver. */
  public boolean stop() {
    ticker.shutdown();
    log.close();
    boolean left = events == null || events.stop(PATIENCE);
    for (DevicePoll poll : polls) {
      left &= poll.stop(PATIENCE);
    }
    save(true);
    return left;
  }

  @Override
  public void close() {
    stop();
  }
}
