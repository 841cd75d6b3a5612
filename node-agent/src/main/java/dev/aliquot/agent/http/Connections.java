package dev.aliquot.agent.http;

import io.netty.channel.Channel;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * The open connections of a server. Where there are as many as there may be, a new one takes the
 * place of the one that has rested longest since it was answered, as browsers leave theirs; one
 * that has never asked anything has to be waited for. To be used on the server's event loop only.
 */
final class Connections {
  private final int most;
  private final Set<Channel> resting = new LinkedHashSet<>();
  private int open;

  Connections(int most) {
    this.most = most;
  }

  /** Whether there is room for it. */
  boolean admit(Channel connection) {
    Iterator<Channel> longest = resting.iterator();
    if (open >= most && longest.hasNext()) {
      Channel rested = longest.next();
      longest.remove();
      var _ = rested.close();
    }
    if (open >= most) {
      return false;
    }
    open++;
    connection
        .closeFuture()
        .addListener(
            closed -> {
              open--;
              resting.remove(connection);
            });
    return true;
  }

  /** It has been answered, and has taken the answer. */
  void rests(Channel connection) {
    if (connection.isActive()) {
      resting.add(connection);
    }
  }

  /** It has asked. */
  void works(Channel connection) {
    resting.remove(connection);
  }
}
