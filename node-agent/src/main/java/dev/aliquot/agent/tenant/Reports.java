package dev.aliquot.agent.tenant;

import java.util.ArrayList;
import java.util.List;

/** What a tenant's processes reported about one device before ground truth was read. */
public final class Reports {
  final int holding;
  final List<Report> reports;
  private final List<Shortfall> shortfalls = new ArrayList<>();
  private final List<Keeper> keepers = new ArrayList<>();

  Reports(int holding, List<Report> reports) {
    this.holding = holding;
    this.reports = List.copyOf(reports);
  }

  /** What each process holds beyond its report; there once the reading has ended. */
  public List<Shortfall> shortfalls() {
    return shortfalls;
  }

  /** Who keeps what another tenant waits for in vain; there once the reading has ended. */
  public List<Keeper> keepers() {
    return keepers;
  }

  void add(Keeper keeper) {
    keepers.add(keeper);
  }

  void add(Shortfall shortfall) {
    shortfalls.add(shortfall);
  }

  /** The pids that ground truth is to be matched with. */
  public boolean hasPid(int pid) {
    return reports.stream().anyMatch(report -> report.member().id.pid() == pid);
  }
}
