package dev.aliquot.agent.config;

/** What is done about a process that does not give back what was lent to it. */
public enum KeeperPolicy {
  REPORT(BypassPolicy.REPORT),
  STOP(BypassPolicy.STOP);

  private final BypassPolicy action;

  KeeperPolicy(BypassPolicy action) {
    this.action = action;
  }

  public BypassPolicy action() {
    return action;
  }
}
