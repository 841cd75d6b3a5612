package dev.aliquot.agent.tenant;

import dev.aliquot.agent.page.UsagePage;
import dev.aliquot.agent.page.UsageReport;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.agent.view.ProcessView;
import dev.aliquot.agent.view.TenantView;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A tenant as people see it. To be called under the tenant's lock. */
final class TenantViews {
  private TenantViews() {}

  /**
   * One view per device.
   *
   * @param usage null: the page has been let go of
   * @param nowNanos CLOCK_MONOTONIC
   */
  static List<TenantView> of(
      TenantRecord record,
      List<Holding> holdings,
      Collection<Member> members,
      @Nullable UsagePage usage,
      String state,
      long nowNanos) {
    List<TenantView> views = new ArrayList<>();
    for (Holding holding : holdings) {
      views.add(view(record, holding, members, usage, state, nowNanos));
    }
    return views;
  }

  private static TenantView view(
      TenantRecord record,
      Holding holding,
      Collection<Member> members,
      @Nullable UsagePage page,
      String state,
      long nowNanos) {
    boolean gone = page == null;
    List<ProcessView> processes = new ArrayList<>();
    long reported = 0;
    long truth = holding.otherBytes;
    Pinned pinned = new Pinned();
    boolean leaves = false;
    long sunk = 0;
    long refusals = holding.index == 0 ? record.refusals() : 0;
    for (Member member : members) {
      UsageReport usage = page == null ? null : page.report(member.slot);
      long used = 0;
      Pinned ofProcess = new Pinned();
      leaves |= !gone && holding.book.isAway(member.slot);
      if (usage != null && usage.isOf(member.generation)) {
        long most = holding.share().limitBytes();
        used = Math.clamp(usage.usedBytes(holding.index), 0, most);
        ofProcess = new Pinned(usage.pinned(holding.index, most));
        refusals += holding.index == 0 ? usage.plausibleRefusals() : 0;
      }
      // what the driver has taken off the device the process says it holds still, and has pinned
      long off = Math.min(used, offBytes(holding, member));
      used -= off;
      ofProcess = off > 0 ? new Pinned() : ofProcess;
      sunk += off;
      reported += used;
      pinned.add(ofProcess);
      truth += member.truthBytes[holding.index];
      processes.add(
          new ProcessView(
              member.id.pid(),
              member.tenantPid,
              member.command,
              holding.device.uuid(),
              used,
              member.truthBytes[holding.index],
              member.overheads[holding.index].overheadBytes(),
              ofProcess.view()));
    }
    return new TenantView(
        record.id(),
        record.name(),
        record.namespace(),
        record.pod(),
        record.container(),
        holding.device.uuid(),
        holding.device.facts().index(),
        holding.share().requestBytes(),
        holding.share().limitBytes(),
        holding.book.creditBytes(),
        gone ? 0 : holding.book.loanBytes(),
        gone ? 0 : holding.book.demotedBytes() + sunk,
        reported,
        truth,
        holding.book.overheadBytes(),
        reported + holding.book.overheadBytes(),
        refusals,
        holding.device.isLost() ? "device lost" : state,
        holding.traffic.view(record.swap(), pinned, leaves, nowNanos),
        record.priority().name().toLowerCase(Locale.ROOT),
        record.created(),
        processes,
        List.of());
  }

  private static long offBytes(Holding holding, Member member) {
    return holding.book.deep().missingBytes(member.slot)
        - holding.book.deep().missingContextBytes(member.slot);
  }
}
