package dev.aliquot.agent.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.nio.charset.StandardCharsets;

/** Replies to bytes. */
final class FrameWriter {
  private FrameWriter() {}

  static ByteBuf write(ByteBufAllocator allocator, int requestId, Reply reply) {
    return switch (reply) {
      case Reply.Welcome(int slot, long generation) ->
          header(allocator, requestId, FrameFormat.WELCOME, FrameFormat.WELCOME_BYTES)
              .writeIntLE(slot)
              .writeIntLE(0)
              .writeLongLE(generation);
      case Reply.Granted(long creditBytes) ->
          header(allocator, requestId, FrameFormat.GRANTED, FrameFormat.GRANTED_BYTES)
              .writeLongLE(creditBytes);
      case Reply.Chunk(long id, long bytes, int _, Runnable _) ->
          header(allocator, requestId, FrameFormat.CHUNK, FrameFormat.CHUNK_BYTES)
              .writeLongLE(id)
              .writeLongLE(bytes);
      case Reply.Shared shared -> shared(allocator, requestId, shared);
      case Reply.OpenedShare(Reply.Shared shared, int _) -> shared(allocator, requestId, shared);
      case Reply.Refused(Status status, String sentence) -> {
        byte[] reason = cut(sentence);
        yield header(allocator, requestId, FrameFormat.REFUSED, FrameFormat.REFUSED_BYTES)
            .writeIntLE(status.code())
            .writeIntLE(reason.length)
            .writeBytes(reason)
            .writeZero(FrameFormat.REASON_BYTES - reason.length);
      }
    };
  }

  private static ByteBuf shared(ByteBufAllocator allocator, int requestId, Reply.Shared shared) {
    return header(allocator, requestId, FrameFormat.SHARED, FrameFormat.SHARED_BYTES)
        .writeLongLE(shared.id())
        .writeLongLE(shared.bytes())
        .writeIntLE(shared.piece())
        .writeIntLE(shared.pieces());
  }

  private static ByteBuf header(
      ByteBufAllocator allocator, int requestId, int type, int payloadBytes) {
    return allocator
        .buffer(FrameFormat.HEADER_BYTES + payloadBytes)
        .writeIntLE(FrameFormat.MAGIC)
        .writeShortLE(FrameFormat.VERSION)
        .writeShortLE(type)
        .writeIntLE(payloadBytes)
        .writeIntLE(requestId);
  }

  /** UTF-8, never cut within a character. */
  private static byte[] cut(String sentence) {
    byte[] bytes = sentence.getBytes(StandardCharsets.UTF_8);
    if (bytes.length <= FrameFormat.REASON_BYTES) {
      return bytes;
    }
    int end = FrameFormat.REASON_BYTES;
    while (end > 0 && (bytes[end] & 0xc0) == 0x80) {
      end--;
    }
    return java.util.Arrays.copyOf(bytes, end);
  }
}
