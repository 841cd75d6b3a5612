package dev.aliquot.agent.bypass;

import dev.aliquot.agent.count.Counters;
import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.process.ProcessId;
import dev.aliquot.agent.process.Stopper;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps what readings of ground truth show that is not accounted for: tells of it once, has the
 * policy carried out once readings agree, and undoes that when it is accounted for again.
 * Thread-safe.
 */
public final class BypassWatch implements Sightings, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(BypassWatch.class);
  private static final int MOST_TOLD = 1024;

  private final ProcFs proc;
  private final Counters counters;
  private final InstantSource clock;
  private final long leastNanos;
  private final Events events;
  private final Enforcer enforcer;
  private final Map<String, Map<ProcessId, Watched>> watched = new HashMap<>();

  /** A process that comes and goes is told of once. */
  private final Set<Told> told =
      Collections.newSetFromMap(
          new LinkedHashMap<>() {
            private static final long serialVersionUID = 1L;

            @Override
            protected boolean removeEldestEntry(Map.Entry<Told, Boolean> eldest) {
              return size() > MOST_TOLD;
            }
          });

  private boolean watching;
  private boolean closed;

  private record Told(ProcessId id, Kind kind) {}

  private BypassWatch(
      ProcFs proc,
      Counters counters,
      InstantSource clock,
      Duration period,
      Events events,
      Enforcer enforcer) {
    this.proc = proc;
    this.counters = counters;
    this.clock = clock;
    this.leastNanos = period.toNanos() / 2;
    this.events = events;
    this.enforcer = enforcer;
  }

  /**
   * Begins; lets those go on that an agent which was killed had suspended.
   *
   * @param period of ground truth
   * @param cudaLibrary the driver that suspends, opened when it is first needed
   * @param suspended remembers who is suspended over the agent's end
   */
  public static BypassWatch start(
      BypassOptions options,
      ProcFs proc,
      Counters counters,
      InstantSource clock,
      Duration period,
      Path cudaLibrary,
      Path suspended)
      throws IOException {
    SuspendedFile file = new SuspendedFile(suspended);
    Events events = new Events(clock, counters);
    Enforcer enforcer =
        new Enforcer(
            options,
            new Suspensions(proc, new CudaSuspender(cudaLibrary), file),
            new Stopper(proc),
            events);
    if (!file.all().isEmpty()) {
      enforcer.recover();
    }
    return new BypassWatch(proc, counters, clock, period, events, enforcer);
  }

  /**
   * From now on readings count. To be called when a reading has ended that began after every tenant
   * was there: until then tenants' processes look like strangers.
   */
  public synchronized void watch() {
    watching = true;
  }

  @Override
  public synchronized void seen(Device device, List<Sighting> sightings) {
    if (closed || !watching) {
      return;
    }
    long now = System.nanoTime();
    Map<ProcessId, Watched> before = watched.getOrDefault(device.uuid(), Map.of());
    Map<ProcessId, Watched> after = new LinkedHashMap<>();
    for (Sighting sighting : sightings) {
      if (sighting.id().pid() != ProcessHandle.current().pid()) {
        Watched known = before.get(sighting.id());
        Watched each =
            known == null || known.sighting().kind() != sighting.kind()
                ? first(device, sighting, now)
                : known;
        each.again(sighting, now, leastNanos);
        after.put(sighting.id(), each);
      }
    }
    watched.put(device.uuid(), after);
    after.values().forEach(each -> follow(device.uuid(), each, now));
    before.values().stream()
        .filter(each -> !isWatched(each.sighting().id()))
        .forEach(each -> enforcer.release(each.finding()));
  }

  /** What is not accounted for on a device. */
  public synchronized List<Finding> findings(String device) {
    return watched.getOrDefault(device, Map.of()).values().stream()
        .filter(Watched::isFound)
        .map(Watched::finding)
        .toList();
  }

  /** What was done, the latest last; also about processes that have gone. */
  public List<Event> events() {
    return events.all();
  }

  /** Lets everybody go on who is suspended. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
    }
    enforcer.close();
  }

  private Watched first(Device device, Sighting sighting, long now) {
    int pid = sighting.id().pid();
    String cgroup =
        proc.cgroup(pid).filter(path -> !path.equals("/")).or(() -> proc.cgroupV2(pid)).orElse("");
    return new Watched(sighting, device.uuid(), cgroup, clock.instant(), now);
  }

  private void follow(String device, Watched each, long now) {
    Sighting sighting = each.sighting();
    if (each.isFound() && told.add(new Told(sighting.id(), sighting.kind()))) {
      LOG.warn("{} ({})", each.finding().text(), sighting.kind().label());
      counters.bypassFound(sighting.kind().label());
    }
    if (each.begin(now)) {
      enforcer.enforce(
          each.finding(), () -> isStill(device, each), outcome -> settle(each, outcome));
    }
  }

  private synchronized boolean isStill(String device, Watched each) {
    return !closed && watched.getOrDefault(device, Map.of()).get(each.sighting().id()) == each;
  }

  private synchronized void settle(Watched each, Outcome outcome) {
    each.settle(outcome, System.nanoTime());
  }

  private boolean isWatched(ProcessId id) {
    return watched.values().stream().anyMatch(each -> each.containsKey(id));
  }
}
