package dev.aliquot.agent.truth;

import dev.aliquot.agent.count.Counters;
import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.DeviceReading;
import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.process.ProcessStat;
import dev.aliquot.agent.tenant.Reports;
import dev.aliquot.agent.tenant.Tenant;
import dev.aliquot.agent.tenant.Tenants;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One reading of one device: reports first, then ground truth, then each tenant's account. */
final class Accounting {
  private static final Logger LOG = LoggerFactory.getLogger(Accounting.class);

  private final Tenants tenants;
  private final ProcFs proc;
  private final Counters counters;

  Accounting(Tenants tenants, ProcFs proc, Counters counters) {
    this.tenants = tenants;
    this.proc = proc;
    this.counters = counters;
  }

  /**
   * @param exact whether no report moved meanwhile
   * @param strangers processes that are no tenant's
   */
  record Result(boolean exact, List<Stranger> strangers) {}

  /** Blocks as long as the driver does. */
  Result read(Device device) {
    long start = System.nanoTime();
    Map<Tenant, Reports> reports = new LinkedHashMap<>();
    for (Tenant tenant : tenants.all()) {
      beginReading(tenant, device).ifPresent(list -> reports.put(tenant, list));
    }
    DeviceReading reading = device.reader().read();
    Map<Tenant, Long> otherBytes = new HashMap<>();
    List<Stranger> strangers = new ArrayList<>();
    reading
        .bytesByPid()
        .forEach(
            (pid, bytes) -> {
              if (reports.values().stream().noneMatch(list -> list.hasPid(pid))) {
                attribute(pid, Math.max(0, bytes), otherBytes, strangers);
              }
            });
    boolean exact = true;
    for (Map.Entry<Tenant, Reports> entry : reports.entrySet()) {
      exact &=
          endReading(
              entry.getKey(),
              entry.getValue(),
              reading,
              otherBytes.getOrDefault(entry.getKey(), 0L));
    }
    device.book().foreign(strangers.stream().mapToLong(Stranger::bytes).sum());
    device.reading(reading);
    device.room().fire();
    counters.samples.increment();
    counters.sampleNanos.add(System.nanoTime() - start);
    return new Result(exact, List.copyOf(strangers));
  }

  private static Optional<Reports> beginReading(Tenant tenant, Device device) {
    try {
      return tenant.beginReading(device);
    } catch (RuntimeException e) {
      LOG.error("what tenant {} reports cannot be read", tenant.id(), e);
      return Optional.empty();
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
      int pid, long bytes, Map<Tenant, Long> otherBytes, List<Stranger> strangers) {
    Optional<ProcessStat> process = proc.stat(pid);
    if (process.isEmpty() || process.get().zombie()) {
      return;
    }
    Optional<Tenant> owner = tenants.ownerOf(pid);
    if (owner.isPresent()) {
      otherBytes.merge(owner.get(), bytes, Long::sum);
    } else {
      strangers.add(new Stranger(pid, process.get().command(), bytes));
    }
  }
}
