package dev.aliquot.agent.tenant;

import dev.aliquot.residency.SwapMode;
import java.util.List;
import java.util.Map;

/**
 * Has idle processes rest that hold nothing that moves, where {@code swap-deep-after} is
 * configured: the driver takes them off their devices when they have rested for that long. Where
 * nothing of the tenant moves, they do when memory is short; else they follow those that have left
 * for others, with what moves. Thread-safe by the tenant's lock.
 *
 * <p>Whether a process is idle is known once it counts what it submits. That has its price for each
 * launch, so it does not before memory is short for the first time.
 */
final class Resting {
  private final Tenant tenant;
  private final TenantContext context;
  private final List<Holding> holdings;
  private final Map<Integer, Member> members;
  private final TenantFiles.Pages pages;
  private final long[] shortages;
  private boolean counts;

  /**
   * @param members by slot, kept up to date elsewhere
   */
  Resting(
      Tenant tenant,
      TenantContext context,
      List<Holding> holdings,
      Map<Integer, Member> members,
      TenantFiles.Pages pages) {
    this.tenant = tenant;
    this.context = context;
    this.holdings = holdings;
    this.members = members;
    this.pages = pages;
    this.shortages = new long[holdings.size()];
  }

  /** Whether the tenant's processes have been told to count what they submit. */
  boolean isCounting() {
    synchronized (tenant) {
      return counts;
    }
  }

  /** To be called regularly. */
  void look() {
    synchronized (tenant) {
      if (context.deep().after() == null || tenant.record().swap() == SwapMode.NEVER) {
        return;
      }
      boolean wanted = isShort() && members.values().stream().noneMatch(this::moves);
      wanted |= members.values().stream().anyMatch(this::isAway);
      List<Member> resting =
          wanted ? members.values().stream().filter(this::mayRest).toList() : List.of();
      if (resting.isEmpty()) {
        return;
      }
      if (!counts) {
        counts = true;
        for (Holding holding : holdings) {
          pages.control().counts(holding.index);
          holding.residency.arrived(tenant.id());
        }
      } else if (holdings.stream().allMatch(this::isIdle)) {
        resting.forEach(tenant.presence()::leaveWhole);
      }
    }
  }

  /** Whether an ask has found no room on one of the devices since the last look. */
  private boolean isShort() {
    boolean isShort = false;
    for (Holding holding : holdings) {
      long now = holding.device.book().shortages();
      isShort |= now != shortages[holding.index];
      shortages[holding.index] = now;
    }
    return isShort;
  }

  private boolean mayRest(Member member) {
    return !isAway(member)
        && !moves(member)
        && !member.noDive.lasts(context.monotonic().getAsLong());
  }

  private boolean isAway(Member member) {
    return holdings.stream().anyMatch(holding -> holding.book.isAway(member.slot));
  }

  private boolean moves(Member member) {
    return holdings.stream().anyMatch(holding -> holding.book.moves(member.slot));
  }

  private boolean isIdle(Holding holding) {
    return holding.residency.isIdle(tenant.id());
  }
}
