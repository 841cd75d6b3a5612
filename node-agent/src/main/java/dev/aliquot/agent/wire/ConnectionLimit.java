package dev.aliquot.agent.wire;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Stops accepting while one tenant has as many connections as it may: others than itself never
 * notice. Those with an ask, which may wait long for what other processes of the same tenant are to
 * give back, have a bound of their own, so that they never keep those frames out.
 */
final class ConnectionLimit extends ChannelInboundHandlerAdapter {
  private final int most;
  private final int mostAsks;
  private final ChannelGroup open = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
  private final Set<Channel> answering = new HashSet<>();
  private final Map<Channel, Runnable> queued = new LinkedHashMap<>();
  private @Nullable Channel server;

  /**
   * @param most connections without an ask, and asks that are being answered
   * @param mostAsks asks together with those that wait for their turn
   */
  ConnectionLimit(int most, int mostAsks) {
    this.most = most;
    this.mostAsks = mostAsks;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext context) {
    server = context.channel();
  }

  /** On the event loop, as all that follows but the last. */
  void opened(Channel connection) {
    open.add(connection);
    adjust();
    var _ =
        connection
            .closeFuture()
            .addListener(
                ignored -> {
                  open.remove(connection);
                  answered(connection);
                  adjust();
                });
  }

  /**
   * Has an ask answered, now or in its turn.
   *
   * @return false: there are too many
   */
  boolean ask(Channel connection, Runnable answer) {
    if (answering.size() + queued.size() >= mostAsks) {
      return false;
    }
    boolean now = answering.size() < most;
    if (now) {
      answering.add(connection);
    } else {
      queued.put(connection, answer);
    }
    adjust();
    if (now) {
      answer.run();
    }
    return true;
  }

  /** The connection has no ask, or none any more. */
  void answered(Channel connection) {
    queued.remove(connection);
    if (answering.remove(connection) && !queued.isEmpty()) {
      Channel next = queued.keySet().iterator().next();
      Runnable answer = queued.remove(next);
      answering.add(next);
      // not from here: it may be answered at once, and the one after it, too
      next.eventLoop().execute(answer);
    }
    adjust();
  }

  void closeAll() {
    var _ = open.close();
  }

  private void adjust() {
    if (server != null) {
      server.config().setAutoRead(open.size() - answering.size() - queued.size() < most);
    }
  }
}
