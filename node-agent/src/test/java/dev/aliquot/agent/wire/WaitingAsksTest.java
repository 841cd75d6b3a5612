package dev.aliquot.agent.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.Eventually;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Many asks of one tenant that all wait, and what else its processes have to say meanwhile. */
@Timeout(60)
class WaitingAsksTest {
  private static final int MOST = 4;
  private static final int MOST_ASKS = 10;

  @TempDir private Path folder;
  private final List<CompletableFuture<Reply>> asks = new CopyOnWriteArrayList<>();
  private final List<Long> wanted = new CopyOnWriteArrayList<>();
  private final List<SocketChannel> connections = new ArrayList<>();
  private final TenantSockets sockets =
      new TenantSockets(Duration.ofMinutes(5), MOST, MOST_ASKS, new Unheard());

  private static final class Unheard implements SocketEvents {
    @Override
    public void refused(Status status) {}

    @Override
    public void malformed() {}

    @Override
    public void idle() {}
  }

  @BeforeEach
  void serve() throws IOException {
    sockets.serve(folder.resolve("s"), this::answer);
  }

  @AfterEach
  void close() throws IOException {
    for (SocketChannel connection : connections) {
      connection.close();
    }
    sockets.close();
  }

  /** Asks wait, everything else is granted. */
  private CompletionStage<Reply> answer(
      PeerProcess process, Request request, BooleanSupplier abandoned) {
    if (request instanceof Request.Ask ask) {
      CompletableFuture<Reply> answer = new CompletableFuture<>();
      wanted.add(ask.wantedBytes());
      asks.add(answer);
      return answer;
    }
    return CompletableFuture.completedStage(new Reply.Granted(7));
  }

  private SocketChannel say(int type, int payloadBytes, long last) throws IOException {
    SocketChannel connection = SocketChannel.open(StandardProtocolFamily.UNIX);
    connections.add(connection);
    connection.connect(UnixDomainSocketAddress.of(folder.resolve("s")));
    ByteBuffer frame =
        ByteBuffer.allocate(FrameFormat.HEADER_BYTES + payloadBytes).order(ByteOrder.LITTLE_ENDIAN);
    frame.putInt(FrameFormat.MAGIC).putShort((short) 1).putShort((short) type);
    frame.putInt(payloadBytes).putInt(9);
    frame.putLong(frame.capacity() - Long.BYTES, last);
    connection.write(frame.rewind());
    return connection;
  }

  private SocketChannel ask(long wantedBytes) throws IOException {
    return say(FrameFormat.ASK, FrameFormat.ASK_BYTES, wantedBytes);
  }

  /** The type of the answer's frame, and its first word. */
  private static List<Integer> answer(SocketChannel connection) throws IOException {
    byte[] bytes = Channels.newInputStream(connection).readNBytes(FrameFormat.HEADER_BYTES + 4);
    ByteBuffer answer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    return List.of((int) answer.getShort(6), answer.getInt(FrameFormat.HEADER_BYTES));
  }

  private void assertOthersAreHeard() throws IOException {
    for (int i = 0; i < 2 * MOST; i++) {
      try (SocketChannel moved = say(FrameFormat.MOVED, FrameFormat.MOVED_BYTES, 0)) {
        assertThat(answer(moved)).containsExactly(FrameFormat.GRANTED, 7);
      }
    }
  }

  @Test
  void otherFramesOfTheTenantAreHeardHoweverManyAsksWait() throws IOException {
    for (int i = 0; i < MOST_ASKS; i++) {
      ask(i);
    }
    assertOthersAreHeard();
    SocketChannel tooMany = ask(MOST_ASKS);
    assertThat(answer(tooMany)).containsExactly(FrameFormat.REFUSED, Status.UNAVAILABLE.code());
    assertOthersAreHeard();
    assertThat(wanted).as("answered at once").hasSize(MOST);
  }

  @Test
  void asksTakeTurnsInTheOrderTheyCame() throws IOException {
    List<SocketChannel> all = new ArrayList<>();
    for (int i = 0; i < MOST_ASKS; i++) {
      all.add(ask(i));
      assertOthersAreHeard();
    }
    for (int i = 0; i < MOST_ASKS; i++) {
      int asked = i + 1;
      Eventually.soon(() -> assertThat(asks).hasSizeGreaterThanOrEqualTo(asked));
      asks.get(i).complete(new Reply.Granted(i));
      assertThat(answer(all.get(i))).containsExactly(FrameFormat.GRANTED, i);
    }
    assertThat(wanted).containsExactly(0L, 1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L);
  }

  @Test
  void anAskThatIsGivenUpMakesWayForTheNext() throws IOException {
    List<SocketChannel> all = new ArrayList<>();
    for (int i = 0; i < MOST + 2; i++) {
      all.add(ask(i));
      assertOthersAreHeard();
    }
    all.get(MOST).close();
    assertOthersAreHeard();
    all.get(0).close();
    Eventually.soon(() -> assertThat(wanted).containsExactly(0L, 1L, 2L, 3L, 5L));
  }
}
