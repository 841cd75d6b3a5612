package dev.aliquot.agent.share;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/** How many descriptors the shares of all tenants may take of the agent's. Thread-safe. */
public final class Budget {
  /** What is left is for connections, logs and processes' own. */
  private static final int PART = 4;

  private static final String LINE = "Max open files";

  private final int most;
  private final AtomicInteger taken = new AtomicInteger();

  public Budget(int most) {
    this.most = most;
  }

  /**
   * A quarter of what this process may have open.
   *
   * @param limits /proc/self/limits
   */
  public static Budget of(Path limits) {
    try {
      return new Budget(
          Files.readString(limits)
              .lines()
              .filter(line -> line.startsWith(LINE))
              .map(line -> line.substring(LINE.length()).strip().split("\\s+", -1)[0])
              .findFirst()
              .map(Budget::part)
              .orElse(Shares.MOST_KEPT));
    } catch (IOException e) {
      return new Budget(Shares.MOST_KEPT);
    }
  }

  private static int part(String softLimit) {
    return softLimit.equals("unlimited")
        ? Integer.MAX_VALUE
        : (int) Math.min(Integer.MAX_VALUE, Long.parseLong(softLimit) / PART);
  }

  int most() {
    return most;
  }

  /** One more, if there is one left. */
  boolean take() {
    return taken.getAndUpdate(now -> now < most ? now + 1 : now) < most;
  }

  void free() {
    taken.decrementAndGet();
  }
}
