package dev.aliquot.agent.tenant;

import dev.aliquot.ledger.AskResult;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which of a tenant's processes are on its devices, and which are away, on their way out or wanted
 * back. Thread-safe by the tenant's lock.
 */
final class Presence {
  private final Tenant tenant;
  private final List<Holding> holdings;
  private final Map<Integer, Member> members;
  private final TenantFiles.Pages pages;
  private int returning;

  /**
   * @param members by slot, kept up to date elsewhere
   */
  Presence(
      Tenant tenant,
      List<Holding> holdings,
      Map<Integer, Member> members,
      TenantFiles.Pages pages) {
    this.tenant = tenant;
    this.holdings = holdings;
    this.members = members;
    this.pages = pages;
  }

  /**
   * Has every process of the tenant leave its devices, until they need them again.
   *
   * @param whole also those with nothing that moves, for the driver to take off what they have
   * @return whether any does, or has
   */
  boolean swapOut(boolean whole) {
    synchronized (tenant) {
      boolean leaves = false;
      for (Holding holding : tenant.isGone() ? List.<Holding>of() : holdings) {
        for (int slot : members.keySet()) {
          leaves |= holding.book.leave(slot);
        }
      }
      for (Member member : whole ? members.values() : List.<Member>of()) {
        leaves |= leaveWhole(member);
      }
      return leaves;
    }
  }

  /**
   * The same for one process that has anything on a device, be it nothing that moves.
   *
   * @return whether it leaves, or has
   */
  boolean leaveWhole(Member member) {
    synchronized (tenant) {
      boolean leaves = false;
      for (Holding holding : tenant.holds(member) ? holdings : List.<Holding>of()) {
        if (member.truthBytes[holding.index] > 0) {
          leaves |= holding.book.leaveWhole(member.slot);
        }
      }
      return leaves;
    }
  }

  /** Whether a process says, for the first time since it left, that it is out. */
  boolean hasJustParked(Member member) {
    synchronized (tenant) {
      if (!tenant.holds(member)) {
        return false;
      }
      boolean before = member.parked;
      member.parked = isParked(member.slot);
      return member.parked && !before;
    }
  }

  /** The devices that a process is away from, or that the driver has taken it off. */
  List<Holding> holdingsAway(Member member) {
    synchronized (tenant) {
      return tenant.holds(member)
          ? holdings.stream()
              .filter(
                  holding ->
                      holding.book.isAway(member.slot)
                          || holding.book.deep().missingBytes(member.slot) > 0)
              .toList()
          : List.of();
    }
  }

  /**
   * A question to the book of a process that is away; empty when it has lost its slot meanwhile.
   *
   * @param whole whether it waits for all of its data; else for what is within the request
   */
  Optional<AskResult> resume(Member member, Holding holding, boolean whole) {
    synchronized (tenant) {
      return tenant.holds(member)
          ? Optional.of(holding.book.resume(member.slot, whole))
          : Optional.empty();
    }
  }

  /** A process that is away from a device runs again, whatever of it is there by now. */
  void comeBack(Member member, Holding holding) {
    synchronized (tenant) {
      if (tenant.holds(member)) {
        holding.book.comeBack(member.slot);
        member.parked = false;
      }
    }
  }

  /** A process has brought back what it could. */
  void broughtBack(Member member, Holding holding) {
    synchronized (tenant) {
      if (tenant.holds(member)) {
        holding.book.returned(member.slot);
      }
    }
  }

  /** Whether a process that the driver has taken off a device has found no room there. */
  boolean lacksRoom(Member member, Holding holding) {
    synchronized (tenant) {
      return tenant.holds(member) && holding.book.deep().missingBytes(member.slot) > 0;
    }
  }

  /** So many more of its processes are on their way back. */
  void returning(int more) {
    synchronized (tenant) {
      returning += more;
    }
  }

  /** As people see it. */
  String state() {
    synchronized (tenant) {
      List<Member> away =
          members.values().stream()
              .filter(member -> member.depth != Depth.HOT || isAway(member.slot))
              .toList();
      if (is(away, Depth.LOST)) {
        return "lost";
      }
      if (is(away, Depth.RISING) || (returning > 0 && is(away, Depth.DEEP))) {
        return "surfacing";
      }
      if (returning > 0) {
        return "returning";
      }
      if (away.isEmpty()) {
        return "running";
      }
      if (!away.stream().allMatch(member -> isParked(member.slot))) {
        return "leaving";
      }
      boolean dives = is(away, Depth.GOING) || is(away, Depth.DIVING) || tenant.diving().isWanted();
      boolean deep = away.stream().allMatch(member -> member.depth == Depth.DEEP);
      return dives ? "diving" : deep ? "deep" : "swapped";
    }
  }

  private static boolean is(List<Member> any, Depth depth) {
    return any.stream().anyMatch(member -> member.depth == depth);
  }

  private boolean isAway(int slot) {
    return holdings.stream().anyMatch(holding -> holding.book.isAway(slot));
  }

  private boolean isParked(int slot) {
    return pages.usage().report(slot).parked();
  }
}
