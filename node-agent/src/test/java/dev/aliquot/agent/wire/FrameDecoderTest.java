package dev.aliquot.agent.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.quicktheories.QuickTheory.qt;
import static org.quicktheories.generators.SourceDSL.longs;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FrameDecoderTest {

  private static ByteBuf header(int magic, int version, int type, int length) {
    return Unpooled.buffer()
        .writeIntLE(magic)
        .writeShortLE(version)
        .writeShortLE(type)
        .writeIntLE(length)
        .writeIntLE(42);
  }

  private static ByteBuf ask() {
    return header(FrameFormat.MAGIC, 1, FrameFormat.ASK, FrameFormat.ASK_BYTES)
        .writeIntLE(3)
        .writeIntLE(1)
        .writeLongLE(9)
        .writeLongLE(-1);
  }

  private static List<Incoming> decode(ByteBuf... pieces) {
    EmbeddedChannel channel = new EmbeddedChannel(new FrameDecoder());
    for (ByteBuf piece : pieces) {
      channel.writeInbound(piece);
    }
    List<Incoming> all = new ArrayList<>();
    for (Incoming each = channel.readInbound(); each != null; each = channel.readInbound()) {
      all.add(each);
    }
    channel.finishAndReleaseAll();
    return all;
  }

  @Test
  void readsEveryRequest() {
    assertThat(decode(ask()))
        .containsExactly(new Incoming.Understood(42, new Request.Ask(3, 9, 1, -1)));
    assertThat(
            decode(header(FrameFormat.MAGIC, 1, FrameFormat.HELLO, 8).writeIntLE(77).writeIntLE(0)))
        .containsExactly(new Incoming.Understood(42, new Request.Hello(77)));
    assertThat(
            decode(
                header(FrameFormat.MAGIC, 1, FrameFormat.SETTLE, 16)
                    .writeIntLE(3)
                    .writeIntLE(1)
                    .writeLongLE(9)))
        .containsExactly(new Incoming.Understood(42, new Request.Settle(3, 9, 1)));
    assertThat(
            decode(
                header(FrameFormat.MAGIC, 1, FrameFormat.BYE, 16)
                    .writeIntLE(3)
                    .writeIntLE(0)
                    .writeLongLE(9)))
        .containsExactly(new Incoming.Understood(42, new Request.Bye(3, 9)));
    assertThat(
            decode(
                header(FrameFormat.MAGIC, 1, FrameFormat.REOPEN_CHUNK, 24)
                    .writeIntLE(3)
                    .writeIntLE(0)
                    .writeLongLE(9)
                    .writeLongLE(-5)))
        .containsExactly(new Incoming.Understood(42, new Request.ReopenChunk(3, 9, -5)));
    assertThat(
            decode(
                header(FrameFormat.MAGIC, 1, FrameFormat.MOVED, 48)
                    .writeIntLE(3)
                    .writeIntLE(1)
                    .writeLongLE(9)
                    .writeShortLE(3)
                    .writeShortLE(1)
                    .writeIntLE(-2)
                    .writeLongLE(4)
                    .writeLongLE(5)
                    .writeLongLE(6)))
        .containsExactly(
            new Incoming.Understood(
                42, new Request.Moved(3, 9, 1, MoveOutcome.BUSY, true, -2, 4, 5, 6)));
  }

  @Test
  void readsFramesAboutShares() {
    assertThat(
            decode(
                header(FrameFormat.MAGIC, 1, FrameFormat.SHARE, 40)
                    .writeIntLE(3)
                    .writeIntLE(-7)
                    .writeLongLE(9)
                    .writeLongLE(11)
                    .writeLongLE(-1)
                    .writeIntLE(2)
                    .writeIntLE(5)))
        .containsExactly(new Incoming.Understood(42, new Request.Share(3, 9, -7, 11, -1, 2, 5)));
    assertThat(
            decode(
                header(FrameFormat.MAGIC, 1, FrameFormat.UNSHARE, 24)
                    .writeIntLE(3)
                    .writeIntLE(0)
                    .writeLongLE(9)
                    .writeLongLE(11)))
        .containsExactly(new Incoming.Understood(42, new Request.Unshare(3, 9, 11)));
    assertThat(
            decode(
                header(FrameFormat.MAGIC, 1, FrameFormat.OPEN_SHARE, 24)
                    .writeIntLE(3)
                    .writeIntLE(2)
                    .writeLongLE(9)
                    .writeLongLE(11)))
        .containsExactly(new Incoming.Understood(42, new Request.OpenShare(3, 9, 11, 2)));
    assertThat(decode(header(FrameFormat.MAGIC, 1, FrameFormat.SHARED, 24)))
        .singleElement()
        .isInstanceOf(Incoming.Broken.class);
  }

  @Test
  void bytesMayComeOneByOne() {
    ByteBuf whole = ask();
    ByteBuf[] pieces = new ByteBuf[whole.readableBytes()];
    for (int i = 0; i < pieces.length; i++) {
      pieces[i] = Unpooled.copiedBuffer(whole.slice(i, 1));
    }
    assertThat(decode(pieces))
        .containsExactly(new Incoming.Understood(42, new Request.Ask(3, 9, 1, -1)));
    whole.release();
  }

  @Test
  void nothingIsReadAfterABadFrame() {
    assertThat(decode(header(1, 1, 1, 8), ask(), ask()))
        .singleElement()
        .isInstanceOf(Incoming.Broken.class);
  }

  @Test
  void anOversizedLengthIsRefusedBeforeItsBytesCome() {
    for (int length : new int[] {-1, Integer.MIN_VALUE, 4097, 4096, 25, 23, 0}) {
      assertThat(decode(header(FrameFormat.MAGIC, 1, FrameFormat.ASK, length)))
          .singleElement()
          .isInstanceOfSatisfying(
              Incoming.Broken.class,
              broken -> assertThat(broken.status()).isEqualTo(Status.MALFORMED));
    }
  }

  @Test
  void anotherVersionIsNamed() {
    assertThat(decode(header(FrameFormat.MAGIC, 9, FrameFormat.ASK, 1 << 30)))
        .singleElement()
        .isInstanceOfSatisfying(
            Incoming.Broken.class,
            broken -> {
              assertThat(broken.status()).isEqualTo(Status.VERSION);
              assertThat(broken.requestId()).isEqualTo(42);
              assertThat(broken.sentence()).contains("version 1, not 9");
            });
  }

  /**
   * Valid frames with bytes changed, cut and doubled at random: at most one broken one, and never
   * an exception.
   */
  @Test
  void fuzzedBytesNeverDoMoreThanEndTheConnection() {
    qt().withExamples(5_000)
        .forAll(longs().all())
        .checkAssert(
            seed -> {
              Random random = new Random(seed);
              ByteBuf bytes = Unpooled.buffer();
              for (int i = random.nextInt(4); i >= 0; i--) {
                ByteBuf frame = ask();
                for (int flips = random.nextInt(3); flips > 0; flips--) {
                  frame.setByte(random.nextInt(frame.readableBytes()), random.nextInt(256));
                }
                bytes.writeBytes(
                    frame,
                    random.nextInt(4) == 0
                        ? random.nextInt(frame.readableBytes())
                        : frame.readableBytes());
                frame.release();
              }
              List<ByteBuf> pieces = new ArrayList<>();
              while (bytes.isReadable()) {
                pieces.add(bytes.readBytes(1 + random.nextInt(bytes.readableBytes())));
              }
              bytes.release();
              List<Incoming> all = decode(pieces.toArray(new ByteBuf[0]));
              assertThat(all)
                  .filteredOn(Incoming.Broken.class::isInstance)
                  .hasSizeLessThanOrEqualTo(1);
              if (!all.isEmpty()) {
                assertThat(all.subList(0, all.size() - 1))
                    .allMatch(Incoming.Understood.class::isInstance);
              }
            });
  }

  @FuzzTest(maxDuration = "10s")
  void anyBytesInAnyPiecesDoNoMoreThanEndTheConnection(byte[] bytes) {
    for (int piece : new int[] {1, 7, 16, Math.max(1, bytes.length)}) {
      List<ByteBuf> pieces = new ArrayList<>();
      for (int at = 0; at < bytes.length; at += piece) {
        pieces.add(Unpooled.wrappedBuffer(bytes, at, Math.min(piece, bytes.length - at)));
      }
      List<Incoming> all = decode(pieces.toArray(new ByteBuf[0]));
      assertThat(all).filteredOn(Incoming.Broken.class::isInstance).hasSizeLessThanOrEqualTo(1);
      assertThat(all).hasSizeLessThanOrEqualTo(bytes.length / FrameFormat.HEADER_BYTES + 1);
    }
  }

  @Test
  void aReasonIsCutBetweenCharacters() {
    ByteBuf frame =
        FrameWriter.write(
            io.netty.buffer.UnpooledByteBufAllocator.DEFAULT,
            5,
            new Reply.Refused(Status.LIMIT, "x" + "ü".repeat(200)));
    assertThat(frame.readableBytes())
        .isEqualTo(FrameFormat.HEADER_BYTES + FrameFormat.REFUSED_BYTES);
    assertThat(frame.getIntLE(12)).isEqualTo(5);
    assertThat(frame.getIntLE(16)).isEqualTo(1);
    assertThat(frame.getIntLE(20)).isEqualTo(191);
    frame.release();
  }
}
