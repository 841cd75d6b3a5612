package dev.aliquot.agent.tenant;

import dev.aliquot.agent.page.ControlPage;
import dev.aliquot.agent.page.PageLayout;
import dev.aliquot.agent.page.UsageReport;
import dev.aliquot.agent.process.ProcessId;
import dev.aliquot.agent.process.ProcessStat;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Who sits in which slot, in the pages and here. Guarded by the tenant's lock. */
final class Seats {
  private static final Logger LOG = LoggerFactory.getLogger(Seats.class);

  private final TenantContext context;
  private final TenantFiles.Pages pages;
  private final List<Holding> holdings;
  private final Map<Integer, Member> members;
  private final Consumer<Member> onEnd;

  /**
   * @param members by slot, kept up to date here
   * @param onEnd called, without the lock, when a member's process has ended
   */
  Seats(
      TenantContext context,
      TenantFiles.Pages pages,
      List<Holding> holdings,
      Map<Integer, Member> members,
      Consumer<Member> onEnd) {
    this.context = context;
    this.pages = pages;
    this.holdings = holdings;
    this.members = members;
    this.onEnd = onEnd;
  }

  /** The slot of a process, given to it now if it has none; empty when all are taken. */
  Optional<Member> give(ProcessStat process, int tenantPid) {
    for (Member member : members.values()) {
      if (member.id.equals(process.id())) {
        // It may be another program by now (execve), which reports anew in the same slot.
        member.command = process.command();
        return Optional.of(member);
      }
    }
    int slot = freeSlot();
    if (slot < 0) {
      return Optional.empty();
    }
    clear(slot);
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

  /**
   * Carries on with what is in the pages: living processes keep slot and credit, dead ones' slots
   * are free.
   *
   * @return refusals that the dead ones reported
   */
  long restore() {
    long refusals = 0;
    for (int slot = 0; slot < PageLayout.MAX_SLOTS; slot++) {
      ControlPage.Occupant occupant = pages.control().occupant(slot);
      if (occupant.generation() == 0) {
        break; // slots are given from the first on: nobody has had this one or a later one
      }
      if (occupant.hostPid() == 0) {
        continue;
      }
      ProcessId id = new ProcessId(occupant.hostPid(), occupant.startTime());
      if (context.proc().isAlive(id)) {
        keep(slot, id, occupant, command(id));
      } else {
        refusals += free(slot, occupant.generation());
        context.counters().reapedProcesses.increment();
      }
    }
    return refusals;
  }

  /**
   * Frees the slot of a member that is no longer one.
   *
   * @return refusals that it reported
   */
  long takeBack(Member member) {
    unwatch(member);
    return free(member.slot, member.generation);
  }

  void unwatchAll() {
    members.values().forEach(Seats::unwatch);
  }

  private String command(ProcessId id) {
    return context.proc().stat(id.pid()).map(ProcessStat::command).orElse("");
  }

  private void keep(int slot, ProcessId id, ControlPage.Occupant occupant, String command) {
    Member member =
        new Member(slot, id, occupant.tenantPid(), occupant.generation(), command, holdings.size());
    for (Holding holding : holdings) {
      boolean demanded =
          pages.control().residentBytes(slot, holding.index) != ControlPage.RESIDENT_ALL;
      long coveredBytes = Math.max(0, pages.control().coveredBytes(slot, holding.index));
      long creditBytes = Math.max(0, pages.control().creditBytes(slot, holding.index));
      holding.book.restore(
          slot,
          // what it held when its contexts left, which its report cannot lessen
          pages.control().isDeep(slot) ? Math.max(creditBytes, coveredBytes) : creditBytes,
          coveredBytes,
          demanded,
          pages.control().isAway(slot, holding.index));
    }
    members.put(slot, member);
    watch(member);
  }

  private long free(int slot, long generation) {
    UsageReport usage = pages.usage().report(slot);
    long refusals = usage.isOf(generation) ? usage.plausibleRefusals() : 0;
    pages.control().free(slot);
    clear(slot);
    return refusals;
  }

  /** Zeroes the slot's report. Without it the next process's report is void until it attaches. */
  private void clear(int slot) {
    try {
      pages.usage().clear(slot);
    } catch (UncheckedIOException e) {
      LOG.warn("the report in slot {} cannot be cleared: {}", slot, e.getMessage());
    }
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
    member.watch = context.watcher().watch(member.id, () -> onEnd.accept(member));
  }

  private static void unwatch(Member member) {
    @Nullable AutoCloseable watch = member.watch;
    if (watch != null) {
      try {
        watch.close();
      } catch (Exception e) {
        LOG.error("process {} is still watched", member.id.pid(), e);
      }
    }
  }
}
