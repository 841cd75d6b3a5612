package dev.aliquot.agent.tenant;

import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.DeviceReading;
import dev.aliquot.agent.page.ControlPage;
import dev.aliquot.agent.page.PageLayout;
import dev.aliquot.agent.page.UsageReport;
import dev.aliquot.agent.process.ProcessId;
import dev.aliquot.agent.process.ProcessStat;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.agent.view.ProcessView;
import dev.aliquot.agent.view.TenantView;
import dev.aliquot.ledger.AskResult;
import dev.aliquot.ledger.OverheadRule;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One tenant: its slots, its books, its pages. Thread-safe by its own lock, which is never held
 * while the driver is called or another tenant's is taken.
 */
public final class Tenant {
  private static final Logger LOG = LoggerFactory.getLogger(Tenant.class);
  private static final long MOST_REFUSALS = 1L << 48;

  private final TenantContext context;
  private final TenantFiles.Pages pages;
  private final List<Holding> holdings;
  private final Family family;
  private final TreeMap<Integer, Member> members = new TreeMap<>();
  private final Runnable onIdle;
  private TenantRecord record;
  private boolean ending;
  private boolean gone;

  /**
   * @param onIdle called, without the lock, when a process has ended: the tenant may be over
   */
  Tenant(
      TenantContext context,
      TenantRecord record,
      TenantFiles.Pages pages,
      List<Device> devices,
      Runnable onIdle) {
    this.context = context;
    this.record = record;
    this.pages = pages;
    this.onIdle = onIdle;
    this.family = new Family(context.proc(), record);
    List<Holding> list = new ArrayList<>();
    for (int i = 0; i < devices.size(); i++) {
      list.add(
          new Holding(i, devices.get(i), record.grants().get(i), pages.control(), pages.usage()));
    }
    this.holdings = List.copyOf(list);
  }

  public String id() {
    return record().id();
  }

  public synchronized TenantRecord record() {
    return record;
  }

  /** The devices, by the index that its processes know them by. */
  List<Device> devices() {
    return holdings.stream().map(holding -> holding.device).toList();
  }

  Family family() {
    return family;
  }

  // ---- start

  /** Writes what a new tenant's page says about its devices, and lets processes in. */
  synchronized void publish() {
    ControlPage control = pages.control();
    control.tenant(record.name());
    for (Holding holding : holdings) {
      control.device(
          holding.index, holding.device.uuid(), holding.requestBytes, holding.limitBytes);
    }
    control.deviceCount(holdings.size());
    control.state(ControlPage.State.READY);
  }

  /**
   * Carries on with the slots in the page: credits stand for living processes, everything of dead
   * ones is taken back.
   */
  synchronized void restore() {
    for (Holding holding : holdings) {
      holding.book.overhead(Math.max(0, pages.control().overheadBytes(holding.index)));
      holding.device.learnContext(pages.control().contextEstimateBytes(holding.index));
    }
    for (int slot = 0; slot < PageLayout.MAX_SLOTS; slot++) {
      ControlPage.Occupant occupant = pages.control().occupant(slot);
      if (occupant.hostPid() == 0) {
        continue;
      }
      ProcessId id = new ProcessId(occupant.hostPid(), occupant.startTime());
      Optional<ProcessStat> stat =
          context.proc().stat(id.pid()).filter(s -> s.id().equals(id) && !s.zombie());
      if (stat.isEmpty()) {
        countRefusals(slot, occupant.generation());
        pages.control().free(slot);
        pages.usage().clear(slot);
        context.counters().reapedProcesses.increment();
        continue;
      }
      Member member =
          new Member(
              slot,
              id,
              occupant.tenantPid(),
              occupant.generation(),
              stat.get().command(),
              holdings.size());
      for (Holding holding : holdings) {
        holding.book.restore(slot, Math.max(0, pages.control().creditBytes(slot, holding.index)));
      }
      members.put(slot, member);
      watch(member);
    }
    if (pages.control().state() == ControlPage.State.CLOSED) {
      end();
    } else {
      pages.control().state(ControlPage.State.READY);
    }
  }

  synchronized void agent(AgentTraits agent) {
    pages
        .control()
        .agent(agent.epoch(), agent.agentWait(), agent.cudaLibrary(), agent.nvmlLibrary());
  }

  /** A sign of life for the tenant's processes. */
  synchronized void heartbeat() {
    if (!gone) {
      pages.control().heartbeat(context.monotonic().getAsLong());
    }
  }

  // ---- processes

  /**
   * The slot of a process, given to it now if it has none; empty when all are taken or the tenant
   * is over.
   */
  synchronized Optional<Member> attach(ProcessStat process, int tenantPid) {
    for (Member member : members.values()) {
      if (member.id.equals(process.id())) {
        return Optional.of(member);
      }
    }
    int slot = freeSlot();
    if (slot < 0 || gone) {
      return Optional.empty();
    }
    pages.usage().clear(slot);
    long generation =
        pages.control().take(slot, process.id().pid(), tenantPid, process.id().startTime());
    Member member =
        new Member(slot, process.id(), tenantPid, generation, process.command(), holdings.size());
    members.put(slot, member);
    for (Holding holding : holdings) {
      holding.book.attach(slot);
    }
    watch(member);
    return Optional.of(member);
  }

  /** The holder of a slot, if it is this process under this generation. */
  synchronized Optional<Member> member(int slot, long generation, int pid) {
    return Optional.ofNullable(members.get(slot))
        .filter(member -> member.generation == generation && member.id.pid() == pid);
  }

  /** The holding of a device index as a process says it: any number. */
  Optional<Holding> holding(int index) {
    return index >= 0 && index < holdings.size()
        ? Optional.of(holdings.get(index))
        : Optional.empty();
  }

  /** Takes the slot back. */
  synchronized void detach(Member member) {
    if (gone || !members.remove(member.slot, member)) {
      return;
    }
    unwatch(member);
    countRefusals(member.slot, member.generation);
    pages.control().free(member.slot);
    pages.usage().clear(member.slot);
    for (Holding holding : holdings) {
      holding.book.detach(member.slot);
      holding.book.overhead(publishOverhead(holding));
    }
  }

  /** A question to the book; empty when the process has lost its slot meanwhile. */
  synchronized Optional<AskResult> ask(Member member, Holding holding, long wantedBytes) {
    return members.get(member.slot) == member
        ? Optional.of(holding.book.ask(member.slot, wantedBytes))
        : Optional.empty();
  }

  synchronized long creditBytes(Member member, Holding holding) {
    return members.get(member.slot) == member ? holding.book.creditBytes(member.slot) : 0;
  }

  // ---- end

  synchronized boolean isEnding() {
    return ending;
  }

  /** Nothing new may be held from now on. */
  synchronized void end() {
    if (gone) {
      return;
    }
    ending = true;
    pages.control().state(ControlPage.State.CLOSED);
    holdings.forEach(holding -> holding.book.close());
  }

  /** Whether the last process has gone, so that nothing of the tenant is left to keep. */
  boolean isOver() {
    synchronized (this) {
      if (!members.isEmpty() || (!ending && record.outlivesProcesses())) {
        return false;
      }
      if (ending) {
        return true;
      }
    }
    return family.isExtinct();
  }

  /** Lets go of the pages; their files stay. */
  synchronized void release() {
    if (!gone) {
      gone = true;
      members.values().forEach(this::unwatch);
      pages.close();
    }
  }

  synchronized void markClosed() {
    if (!gone) {
      pages.control().state(ControlPage.State.CLOSED);
    }
  }

  // ---- ground truth

  /**
   * What the processes report about a device now, for a reading that begins; empty when the tenant
   * has nothing of it.
   */
  public synchronized Optional<Reports> beginReading(Device device) {
    Optional<Holding> found =
        holdings.stream().filter(holding -> holding.device == device && !gone).findFirst();
    return found.map(
        holding -> {
          holding.book.beginReading();
          return new Reports(
              holding.index,
              members.values().stream()
                  .map(member -> new Report(member, claim(member, holding)))
                  .toList());
        });
  }

  /**
   * Accounts for a reading of ground truth.
   *
   * @param reports taken before it
   * @param otherBytes held by processes of this tenant that are not in the reports
   * @return whether every report was exact; else the overhead of some process may be higher than it
   *     is
   */
  public synchronized boolean endReading(Reports reports, DeviceReading reading, long otherBytes) {
    if (gone) {
      return true;
    }
    Holding holding = holdings.get(reports.holding);
    boolean exact = true;
    for (Report report : reports.reports) {
      Member member = report.member();
      if (members.get(member.slot) == member) {
        exact &= account(member, holding, report, reading);
      }
    }
    holding.otherBytes = otherBytes;
    holding.book.endReading(publishOverhead(holding));
    pages.control().contextEstimate(holding.index, holding.device.contextEstimateBytes());
    return exact;
  }

  private boolean account(Member member, Holding holding, Report report, DeviceReading reading) {
    long truth = reading.bytesByPid().getOrDefault(member.id.pid(), 0L);
    if (truth == DeviceReading.UNKNOWN) {
      return true;
    }
    OverheadRule rule = member.overheads[holding.index];
    boolean exact = rule.reading(truth, report.claim(), claim(member, holding));
    boolean first = member.truthBytes[holding.index] == 0;
    member.truthBytes[holding.index] = truth;
    if (first && exact) {
      holding.device.learnContext(rule.overheadBytes());
    }
    return exact;
  }

  // ---- views

  /** As things are now, one per device. Never waits for the driver. */
  public synchronized List<TenantView> views() {
    List<TenantView> views = new ArrayList<>();
    for (Holding holding : holdings) {
      views.add(view(holding));
    }
    return views;
  }

  private TenantView view(Holding holding) {
    List<ProcessView> processes = new ArrayList<>();
    long reported = 0;
    long truth = holding.otherBytes;
    long refusals = holding.index == 0 ? record.refusals() : 0;
    for (Member member : members.values()) {
      UsageReport usage = gone ? null : pages.usage().report(member.slot);
      long used =
          usage != null && usage.isOf(member.generation)
              ? Math.max(0, usage.usedBytes(holding.index))
              : 0;
      used = Math.min(used, holding.limitBytes);
      if (usage != null && usage.isOf(member.generation) && holding.index == 0) {
        refusals += plausibleRefusals(usage);
      }
      reported += used;
      truth += member.truthBytes[holding.index];
      processes.add(
          new ProcessView(
              member.id.pid(),
              member.tenantPid,
              member.command,
              holding.device.uuid(),
              used,
              member.truthBytes[holding.index],
              member.overheads[holding.index].overheadBytes()));
    }
    return new TenantView(
        record.id(),
        record.name(),
        record.namespace(),
        record.pod(),
        record.container(),
        holding.device.uuid(),
        holding.device.facts().index(),
        holding.requestBytes,
        holding.limitBytes,
        holding.book.creditBytes(),
        reported,
        truth,
        holding.book.overheadBytes(),
        reported + holding.book.overheadBytes(),
        refusals,
        ending ? "ending" : members.isEmpty() ? "starting" : "running",
        record.created(),
        processes);
  }

  // ---- inside

  /**
   * A claim beyond the credit is an ask on its way, or a lie; either way what the driver has given
   * beyond the credit is not reported.
   */
  private OverheadRule.Claim claim(Member member, Holding holding) {
    UsageReport usage = pages.usage().report(member.slot);
    if (!usage.isOf(member.generation)) {
      return new OverheadRule.Claim(0, usage.changes(), 0);
    }
    long used = usage.usedBytes(holding.index);
    if (used < 0 || used > holding.limitBytes) {
      context.counters().usagePageAnomalies.increment();
    }
    long credit = holding.book.creditBytes(member.slot);
    return new OverheadRule.Claim(
        used < 0 ? 0 : Math.min(used, credit), usage.changes(), usage.inFlight());
  }

  private long publishOverhead(Holding holding) {
    long overhead = holding.otherBytes;
    for (Member member : members.values()) {
      overhead += member.overheads[holding.index].overheadBytes();
    }
    pages.control().overhead(holding.index, overhead, holding.otherBytes);
    return overhead;
  }

  private int freeSlot() {
    for (int slot = 0; slot < PageLayout.MAX_SLOTS; slot++) {
      if (!members.containsKey(slot)) {
        return slot;
      }
    }
    return -1;
  }

  private void watch(Member member) {
    member.watch =
        context
            .watcher()
            .watch(
                member.id,
                () -> {
                  context.counters().reapedProcesses.increment();
                  detach(member);
                  onIdle.run();
                });
  }

  private void unwatch(Member member) {
    @Nullable AutoCloseable watch = member.watch;
    if (watch != null) {
      try {
        watch.close();
      } catch (Exception e) {
        LOG.error("process {} is still watched", member.id.pid(), e);
      }
    }
  }

  private void countRefusals(int slot, long generation) {
    UsageReport usage = pages.usage().report(slot);
    long refusals = usage.isOf(generation) ? plausibleRefusals(usage) : 0;
    if (refusals > 0) {
      record = record.withRefusals(Math.min(MOST_REFUSALS, record.refusals() + refusals));
      try {
        context.records().save(record);
      } catch (IOException e) {
        LOG.warn("the refusals of tenant {} are not saved: {}", record.id(), e.getMessage());
      }
    }
  }

  private static long plausibleRefusals(UsageReport usage) {
    long refusals = usage.refusals();
    return refusals < 0 || refusals > MOST_REFUSALS ? 0 : refusals;
  }
}
