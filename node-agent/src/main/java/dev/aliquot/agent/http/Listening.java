package dev.aliquot.agent.http;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * A connection that listens to a stream. It is sent one message at a time: one that reads slowly
 * gets the latest message when it has taken the one before, and one that does not take a message
 * within the patience is closed. So no more than two messages are ever kept for it. All but {@link
 * #tell} and {@link #end} happens on the connection's event loop.
 */
final class Listening implements Listener {
  private final ChannelHandlerContext context;
  private final Duration patience;
  private final boolean chunked;
  private byte @Nullable [] waiting;
  private boolean writing;
  private long writingSince;

  /**
   * One that has not begun.
   *
   * @param chunked as HTTP/1.1 has it; else what is sent ends with the connection, as HTTP/1.0 has
   *     it
   */
  Listening(ChannelHandlerContext context, Duration patience, boolean chunked) {
    this.context = context;
    this.patience = patience;
    this.chunked = chunked;
  }

  /** Begins the answer. */
  void begin() {
    HttpResponse head = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
    head.headers()
        .set(HttpHeaderNames.CONTENT_TYPE, Response.EVENTS)
        .set(HttpHeaderNames.CACHE_CONTROL, "no-store")
        .set("x-content-type-options", "nosniff")
        .set("x-accel-buffering", "no"); // a proxy is to pass each message on at once
    if (chunked) {
      head.headers().set(HttpHeaderNames.TRANSFER_ENCODING, HttpHeaderValues.CHUNKED);
    } else {
      head.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    }
    var _ = context.writeAndFlush(head);
  }

  @Override
  public void tell(byte[] message) {
    onLoop(() -> offer(message));
  }

  @Override
  public void end() {
    onLoop(
        () ->
            context
                .writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT)
                .addListener(ChannelFutureListener.CLOSE));
  }

  private void onLoop(Runnable task) {
    try {
      context.executor().execute(task);
    } catch (RejectedExecutionException e) {
      // the server has stopped, and closed the connection
    }
  }

  private void offer(byte[] message) {
    if (!writing) {
      write(message);
    } else if (System.nanoTime() - writingSince < patience.toNanos()) {
      waiting = message;
    } else {
      waiting = null;
      var _ = context.close();
    }
  }

  private void write(byte[] message) {
    writing = true;
    writingSince = System.nanoTime();
    context
        .writeAndFlush(new DefaultHttpContent(Unpooled.wrappedBuffer(message)))
        .addListener(
            written -> {
              writing = false;
              byte[] next = waiting;
              waiting = null;
              if (next != null && written.isSuccess()) {
                write(next);
              }
            });
  }
}
