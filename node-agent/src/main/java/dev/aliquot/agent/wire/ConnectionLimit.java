package dev.aliquot.agent.wire;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.util.concurrent.GlobalEventExecutor;
import org.jspecify.annotations.Nullable;

/**
 * Stops accepting while one tenant has as many connections as it may: others than itself never
 * notice.
 */
final class ConnectionLimit extends ChannelInboundHandlerAdapter {
  private final int most;
  private final ChannelGroup open = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
  private @Nullable Channel server;

  ConnectionLimit(int most) {
    this.most = most;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext context) {
    server = context.channel();
  }

  /** On the event loop. */
  void opened(Channel connection) {
    open.add(connection);
    adjust();
    var _ =
        connection
            .closeFuture()
            .addListener(
                ignored -> {
                  open.remove(connection);
                  adjust();
                });
  }

  void closeAll() {
    var _ = open.close();
  }

  private void adjust() {
    if (server != null) {
      server.config().setAutoRead(open.size() < most);
    }
  }
}
