package dev.aliquot.agent.wire;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.util.List;

/**
 * Bytes to requests. Never holds more than one frame; the first frame that cannot be accepted ends
 * it, and all bytes after that are thrown away.
 */
final class FrameDecoder extends ByteToMessageDecoder {
  private boolean broken;

  @Override
  protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
    if (broken) {
      in.skipBytes(in.readableBytes());
      return;
    }
    if (in.readableBytes() < FrameFormat.HEADER_BYTES) {
      return;
    }
    int start = in.readerIndex();
    int magic = in.getIntLE(start);
    int version = in.getUnsignedShortLE(start + 4);
    int type = in.getUnsignedShortLE(start + 6);
    long length = in.getUnsignedIntLE(start + 8);
    int requestId = in.getIntLE(start + 12);
    if (magic != FrameFormat.MAGIC) {
      fail(
          in, out, 0, Status.MALFORMED, "this is no frame: it begins with 0x%08x".formatted(magic));
    } else if (version != FrameFormat.VERSION) {
      fail(
          in,
          out,
          requestId,
          Status.VERSION,
          "the agent speaks protocol version %d, not %d: start the program again so that it loads the agent's library"
              .formatted(FrameFormat.VERSION, version));
    } else if (expectedBytes(type) < 0) {
      fail(in, out, requestId, Status.MALFORMED, "frame type " + type + " is no request");
    } else if (length != expectedBytes(type)) {
      fail(
          in,
          out,
          requestId,
          Status.MALFORMED,
          "a frame of type %d has %d payload bytes, not %d"
              .formatted(type, expectedBytes(type), length));
    } else if (in.readableBytes() >= FrameFormat.HEADER_BYTES + length) {
      in.skipBytes(FrameFormat.HEADER_BYTES);
      out.add(new Incoming.Understood(requestId, request(type, in.readSlice((int) length))));
    }
  }

  private void fail(ByteBuf in, List<Object> out, int requestId, Status status, String sentence) {
    broken = true;
    in.skipBytes(in.readableBytes());
    out.add(new Incoming.Broken(requestId, status, sentence));
  }

  private static int expectedBytes(int type) {
    return switch (type) {
      case FrameFormat.HELLO -> FrameFormat.HELLO_BYTES;
      case FrameFormat.ASK -> FrameFormat.ASK_BYTES;
      case FrameFormat.SETTLE -> FrameFormat.SETTLE_BYTES;
      case FrameFormat.BYE -> FrameFormat.BYE_BYTES;
      case FrameFormat.TAKE_CHUNK -> FrameFormat.TAKE_CHUNK_BYTES;
      case FrameFormat.RETURN_CHUNK -> FrameFormat.RETURN_CHUNK_BYTES;
      case FrameFormat.MOVED -> FrameFormat.MOVED_BYTES;
      case FrameFormat.RESUME -> FrameFormat.RESUME_BYTES;
      case FrameFormat.REOPEN_CHUNK -> FrameFormat.REOPEN_CHUNK_BYTES;
      case FrameFormat.SHARE -> FrameFormat.SHARE_BYTES;
      case FrameFormat.UNSHARE -> FrameFormat.UNSHARE_BYTES;
      case FrameFormat.OPEN_SHARE -> FrameFormat.OPEN_SHARE_BYTES;
      default -> -1;
    };
  }

  private static Request request(int type, ByteBuf payload) {
    return switch (type) {
      case FrameFormat.HELLO -> new Request.Hello(payload.getIntLE(0));
      case FrameFormat.ASK ->
          new Request.Ask(
              payload.getIntLE(0),
              payload.getLongLE(8),
              payload.getIntLE(4),
              payload.getLongLE(16));
      case FrameFormat.SETTLE ->
          new Request.Settle(payload.getIntLE(0), payload.getLongLE(8), payload.getIntLE(4));
      case FrameFormat.BYE -> new Request.Bye(payload.getIntLE(0), payload.getLongLE(8));
      case FrameFormat.TAKE_CHUNK ->
          new Request.TakeChunk(
              payload.getIntLE(0),
              payload.getLongLE(8),
              payload.getIntLE(4),
              payload.getLongLE(16));
      case FrameFormat.RETURN_CHUNK ->
          new Request.ReturnChunk(payload.getIntLE(0), payload.getLongLE(8), payload.getLongLE(16));
      case FrameFormat.REOPEN_CHUNK ->
          new Request.ReopenChunk(payload.getIntLE(0), payload.getLongLE(8), payload.getLongLE(16));
      case FrameFormat.RESUME -> new Request.Resume(payload.getIntLE(0), payload.getLongLE(8));
      case FrameFormat.SHARE ->
          new Request.Share(
              payload.getIntLE(0),
              payload.getLongLE(8),
              payload.getIntLE(4),
              payload.getLongLE(16),
              payload.getLongLE(24),
              payload.getIntLE(32),
              payload.getIntLE(36));
      case FrameFormat.UNSHARE ->
          new Request.Unshare(payload.getIntLE(0), payload.getLongLE(8), payload.getLongLE(16));
      case FrameFormat.OPEN_SHARE ->
          new Request.OpenShare(
              payload.getIntLE(0),
              payload.getLongLE(8),
              payload.getLongLE(16),
              payload.getIntLE(4));
      case FrameFormat.MOVED ->
          new Request.Moved(
              payload.getIntLE(0),
              payload.getLongLE(8),
              payload.getIntLE(4),
              MoveOutcome.of(payload.getUnsignedShortLE(16)),
              payload.getUnsignedShortLE(18) != 0,
              payload.getIntLE(20),
              payload.getLongLE(24),
              payload.getLongLE(32),
              payload.getLongLE(40));
      default -> throw new IllegalArgumentException("type " + type);
    };
  }
}
