package dev.aliquot.agent.truth;

import dev.aliquot.agent.bypass.Kind;
import dev.aliquot.agent.bypass.Sighting;
import dev.aliquot.agent.bypass.Sightings;
import dev.aliquot.agent.count.Counters;
import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.DeviceReading;
import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.process.ProcessId;
import dev.aliquot.agent.process.ProcessStat;
import dev.aliquot.agent.tenant.Keeper;
import dev.aliquot.agent.tenant.Reports;
import dev.aliquot.agent.tenant.Shortfall;
import dev.aliquot.agent.tenant.Tenant;
import dev.aliquot.agent.tenant.Tenants;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One reading of one device: reports first, then ground truth, then each tenant's account. */
final class Accounting {
  private static final Logger LOG = LoggerFactory.getLogger(Accounting.class);
  private static final long MOST_CONTEXT_BYTES = 1L << 30;

  private final Tenants tenants;
  private final ProcFs proc;
  private final Counters counters;
  private final Sightings sightings;
  private final long toleranceBytes;

  /**
   * @param sightings told of each reading
   * @param toleranceBytes what a process may hold beyond its report and a context
   */
  Accounting(
      Tenants tenants, ProcFs proc, Counters counters, Sightings sightings, long toleranceBytes) {
    this.tenants = tenants;
    this.proc = proc;
    this.counters = counters;
    this.sightings = sightings;
    this.toleranceBytes = toleranceBytes;
  }

  /**
   * @param still whether no report moved meanwhile
   * @param strangers processes that are no tenant's
   */
  record Result(boolean still, List<Stranger> strangers) {}

  /** Blocks as long as the driver does. */
  Result read(Device device) {
    long start = System.nanoTime();
    Map<Tenant, Reports> reports = new LinkedHashMap<>();
    Set<Tenant> elsewhere = new HashSet<>();
    for (Tenant tenant : tenants.all()) {
      beginReading(tenant, device, reports, elsewhere);
    }
    DeviceReading reading = device.reader().read();
    Map<Tenant, Long> otherBytes = new HashMap<>();
    List<Stranger> strangers = new ArrayList<>();
    List<Sighting> seen = new ArrayList<>();
    reading
        .bytesByPid()
        .forEach(
            (pid, bytes) -> {
              if (reports.values().stream().noneMatch(list -> list.hasPid(pid))) {
                attribute(pid, Math.max(0, bytes), otherBytes, strangers, seen, elsewhere);
              }
            });
    boolean still = true;
    for (Map.Entry<Tenant, Reports> entry : reports.entrySet()) {
      still &=
          endReading(
              entry.getKey(),
              entry.getValue(),
              reading,
              otherBytes.getOrDefault(entry.getKey(), 0L));
    }
    device.book().foreign(strangers.stream().mapToLong(Stranger::bytes).sum());
    device.reading(reading);
    reports.forEach((tenant, list) -> underreporting(tenant, list, device, seen));
    reports.forEach((tenant, list) -> keeping(tenant, list, seen));
    sightings.seen(device, seen);
    device.room().fire();
    counters.samples.increment();
    counters.sampleNanos.add(System.nanoTime() - start);
    return new Result(still, List.copyOf(strangers));
  }

  /**
   * A tenant that cannot be read is in neither: nothing is said about its processes then.
   *
   * @param elsewhere gets the tenants that have nothing of this device
   */
  private static void beginReading(
      Tenant tenant, Device device, Map<Tenant, Reports> reports, Set<Tenant> elsewhere) {
    try {
      tenant
          .beginReading(device)
          .ifPresentOrElse(list -> reports.put(tenant, list), () -> elsewhere.add(tenant));
    } catch (RuntimeException e) {
      LOG.error("what tenant {} reports cannot be read", tenant.id(), e);
    }
  }

  /** One tenant that cannot be accounted for must not cost the others their reading. */
  private static boolean endReading(
      Tenant tenant, Reports reports, DeviceReading reading, long otherBytes) {
    try {
      return tenant.endReading(reports, reading, otherBytes);
    } catch (RuntimeException e) {
      LOG.error("tenant {} cannot be accounted for", tenant.id(), e);
      return true;
    }
  }

  /**
   * A process that attached since the reports were taken counts as other until the next reading:
   * too much rather than too little.
   */
  private void attribute(
      int pid,
      long bytes,
      Map<Tenant, Long> otherBytes,
      List<Stranger> strangers,
      List<Sighting> seen,
      Set<Tenant> elsewhere) {
    Optional<ProcessStat> process = proc.stat(pid);
    if (process.isEmpty() || process.get().zombie()) {
      return;
    }
    ProcessId id = process.get().id();
    String command = process.get().command();
    Optional<Tenant> owner = tenants.ownerOf(pid);
    if (owner.isEmpty()) {
      strangers.add(new Stranger(pid, command, bytes));
      seen.add(new Sighting(id, command, Kind.STRANGER, bytes, true, null));
      return;
    }
    otherBytes.merge(owner.get(), bytes, Long::sum);
    if (elsewhere.contains(owner.get()) || !owner.get().hasAttached(id)) {
      seen.add(new Sighting(id, command, Kind.UNATTACHED, bytes, true, owner.get().record()));
    }
  }

  /** What is wrong with a process's report comes first: it may be why nothing is given back. */
  private static void keeping(Tenant tenant, Reports reports, List<Sighting> seen) {
    for (Keeper keeper : reports.keepers()) {
      if (seen.stream().noneMatch(other -> other.id().equals(keeper.id()))) {
        seen.add(
            new Sighting(
                keeper.id(),
                keeper.command(),
                Kind.KEEPING,
                keeper.bytes(),
                true,
                tenant.record()));
      }
    }
  }

  /**
   * A process that holds more than its report, a context and the tolerance. The context is the
   * least seen on the device, and at most a bound: a liar that came first must not set it.
   */
  private void underreporting(Tenant tenant, Reports reports, Device device, List<Sighting> seen) {
    long allowed = Math.min(device.contextEstimateBytes(), MOST_CONTEXT_BYTES) + toleranceBytes;
    for (Shortfall shortfall : reports.shortfalls()) {
      if (shortfall.bytes() > allowed) {
        seen.add(
            new Sighting(
                shortfall.id(),
                shortfall.command(),
                Kind.UNDERREPORTING,
                shortfall.bytes(),
                shortfall.exact(),
                tenant.record()));
      }
    }
  }
}
