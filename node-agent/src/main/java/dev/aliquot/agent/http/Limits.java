package dev.aliquot.agent.http;

import java.time.Duration;

/**
 * Bounds of a server.
 *
 * @param connections open at once
 * @param idle a connection on which nothing happens for this long is closed; also the longest a
 *     request may take to arrive
 */
public record Limits(int connections, Duration idle) {
  private static final int MOST_LISTENERS = 16;

  /** How many of the connections may listen to streams: always less than all. */
  public int listeners() {
    return Math.min(MOST_LISTENERS, connections / 4);
  }
}
