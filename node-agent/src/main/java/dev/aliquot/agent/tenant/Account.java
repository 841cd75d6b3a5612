package dev.aliquot.agent.tenant;

import dev.aliquot.agent.count.Counters;
import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.DeviceReading;
import dev.aliquot.agent.page.UsageReport;
import dev.aliquot.ledger.Kept;
import dev.aliquot.ledger.OverheadRule;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What ground truth says about one tenant: each process's overhead, and the sum that is published
 * and charged. Guarded by the tenant's lock.
 */
final class Account {
  /** More than any device has: a driver that says so does not break the arithmetic. */
  private static final long MOST_BYTES = 1L << 56;

  private final List<Holding> holdings;
  private final Map<Integer, Member> members;
  private final TenantFiles.Pages pages;
  private final Counters counters;

  /**
   * @param members by slot, as the tenant keeps them
   */
  Account(
      List<Holding> holdings,
      Map<Integer, Member> members,
      TenantFiles.Pages pages,
      Counters counters) {
    this.holdings = holdings;
    this.members = members;
    this.pages = pages;
    this.counters = counters;
  }

  Optional<Reports> beginReading(Device device) {
    return holdings.stream()
        .filter(holding -> holding.device == device)
        .findFirst()
        .map(
            holding -> {
              holding.book.beginReading();
              return new Reports(
                  holding.index,
                  members.values().stream()
                      .map(
                          member ->
                              new Report(member, claim(member, holding), member.depth == Depth.HOT))
                      .toList());
            });
  }

  boolean endReading(Reports reports, DeviceReading reading, long otherBytes) {
    Holding holding = holdings.get(reports.holding);
    boolean still = true;
    List<Member> surfaced = new ArrayList<>();
    for (Report report : reports.reports) {
      Member member = report.member();
      if (members.get(member.slot) == member) {
        still &= account(member, holding, report, reading, reports, surfaced);
      }
    }
    holding.otherBytes = Math.min(otherBytes, MOST_BYTES);
    surfaced.forEach(member -> member.shown[holding.index] = true);
    long overheadBytes = publishOverhead(holding);
    for (Member member : surfaced) {
      member.shown[holding.index] = false;
      holding.book.deep().surfaced(member.slot, overheadBytes);
    }
    holding.book.endReading(overheadBytes);
    holding.book.kept().map(kept -> keeper(kept, members.get(kept.slot()))).ifPresent(reports::add);
    pages.control().contextEstimate(holding.index, holding.device.contextEstimateBytes());
    return still;
  }

  /**
   * Writes the overhead of all processes into the control page, and what is kept for contexts on
   * their way back; answers the overhead without that.
   */
  long publishOverhead(Holding holding) {
    long bytes = overheadBytes(holding);
    long keptBytes = 0;
    for (Member member : members.values()) {
      keptBytes = Math.min(MOST_BYTES, keptBytes + keptBytes(member, holding));
    }
    pages.control().overhead(holding.index, bytes + keptBytes, holding.otherBytes);
    return bytes;
  }

  /** The overhead of all processes, but for what is kept for contexts on their way back. */
  long overheadBytes(Holding holding) {
    long bytes = holding.otherBytes;
    for (Member member : members.values()) {
      long ownBytes = member.overheads[holding.index].overheadBytes();
      bytes = Math.min(MOST_BYTES, bytes + Math.max(0, ownBytes - keptBytes(member, holding)));
    }
    return bytes;
  }

  /** What is kept for contexts until a reading has shown them. */
  private static long keptBytes(Member member, Holding holding) {
    return member.shown[holding.index] ? 0 : holding.book.deep().reservedContextBytes(member.slot);
  }

  private static @Nullable Keeper keeper(Kept kept, @Nullable Member member) {
    return member == null ? null : new Keeper(member.id, member.command, kept.bytes());
  }

  private boolean account(
      Member member,
      Holding holding,
      Report report,
      DeviceReading reading,
      Reports reports,
      List<Member> surfaced) {
    long truth = reading.bytesByPid().getOrDefault(member.id.pid(), 0L);
    if (truth == DeviceReading.UNKNOWN) {
      return true;
    }
    truth = Math.clamp(truth, 0, MOST_BYTES);
    OverheadRule rule = member.overheads[holding.index];
    OverheadRule.Claim after = claim(member, holding);
    boolean exact = rule.reading(truth, report.claim(), after);
    long reported = Math.max(report.claim().usedBytes(), after.usedBytes());
    reports.add(new Shortfall(member.id, member.command, Math.max(0, truth - reported), exact));
    boolean hot = report.hot() && member.depth == Depth.HOT;
    if (exact && hot && holding.book.deep().isSinking(member.slot)) {
      surfaced.add(member);
    }
    boolean first = member.truthBytes[holding.index] == 0 && !member.hasBeenDeep;
    member.truthBytes[holding.index] = truth;
    if (first && exact) {
      holding.device.learnContext(rule.overheadBytes());
    }
    return report.claim().equals(after);
  }

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
    if (used < 0 || used > holding.share().limitBytes()) {
      counters.usagePageAnomalies.increment();
    }
    long covered = holding.book.coveredBytes(member.slot);
    return new OverheadRule.Claim(
        used < 0 ? 0 : Math.min(used, covered), usage.changes(), usage.inFlight());
  }
}
