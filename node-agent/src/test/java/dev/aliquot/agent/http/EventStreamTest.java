package dev.aliquot.agent.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.http.Route.Method;
import dev.aliquot.agent.support.Eventually;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The stream over real sockets. */
class EventStreamTest {
  private static final int CONNECTIONS = 16;
  private static final Limits PATIENT =
      new Limits(CONNECTIONS, Eventually.PATIENCE.multipliedBy(2));
  private static final Duration NEVER = Duration.ofHours(1);

  private final AtomicReference<String> state = new AtomicReference<>("0");
  private final AtomicInteger looks = new AtomicInteger();
  private final AtomicInteger made = new AtomicInteger();
  private final HttpClient client = HttpClient.newHttpClient();
  private EventStream<String> stream;
  private HttpServer server;

  /** A connection that listens, and reads when it is told to. */
  private final class Ear implements AutoCloseable {
    private final Socket socket = new Socket();
    private final BufferedReader in;

    Ear(int receiveBufferBytes) throws IOException {
      socket.setReceiveBufferSize(receiveBufferBytes);
      socket.connect(server.address());
      socket.setSoTimeout((int) Eventually.PATIENCE.toMillis());
      socket
          .getOutputStream()
          .write("GET /live HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      in =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
    }

    Ear() throws IOException {
      this(64 * 1024);
    }

    String line() throws IOException {
      return in.readLine();
    }

    /** The next message. */
    String next() throws IOException {
      for (String line = line(); line != null; line = line()) {
        if (line.startsWith("data: ")) {
          return line.substring("data: ".length());
        }
      }
      return "(ended)";
    }

    /** Reads until a message is this one. */
    int messagesUntil(String wanted) throws IOException {
      int read = 1;
      for (String each = next(); !each.equals(wanted); each = next()) {
        assertThat(each).isNotEqualTo("(ended)");
        read++;
      }
      return read;
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  @BeforeEach
  void start() throws IOException {
    serve(NEVER, PATIENT);
  }

  private void serve(Duration signOfLife, Limits limits) throws IOException {
    stream =
        new EventStream<>(
            limits.listeners(),
            Duration.ofMillis(10),
            signOfLife,
            () -> {
              looks.incrementAndGet();
              return state.get();
            },
            String::equals,
            text -> {
              made.incrementAndGet();
              return text.getBytes(StandardCharsets.US_ASCII);
            });
    server =
        HttpServer.tcp(
            "127.0.0.1",
            0,
            limits,
            List.of(
                new Route(Method.GET, "/live", request -> stream),
                new Route(
                    Method.GET, "/ready", request -> Response.text(200, "text/plain", "yes"))));
  }

  private void serveAnew(Duration signOfLife, Limits limits) throws IOException {
    stop();
    serve(signOfLife, limits);
  }

  @AfterEach
  void stop() {
    server.close();
    stream.close();
  }

  private HttpResponse<String> send(String method, String path) throws Exception {
    URI uri =
        URI.create("http://127.0.0.1:" + ((InetSocketAddress) server.address()).getPort() + path);
    return client.send(
        HttpRequest.newBuilder(uri).method(method, HttpRequest.BodyPublishers.noBody()).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private void awaitListeners(int wanted) {
    Eventually.soon(() -> assertThat(stream.listeners()).isEqualTo(wanted));
  }

  @Test
  void aListenerIsToldTheStateAtOnceAndThenEachChange() throws Exception {
    try (Ear ear = new Ear()) {
      assertThat(ear.line()).isEqualTo("HTTP/1.1 200 OK");
      assertThat(ear.next()).isEqualTo("0");
      state.set("1");
      assertThat(ear.next()).isEqualTo("1");
      int looked = looks.get();
      Eventually.soon(() -> assertThat(looks.get()).isGreaterThan(looked + 3));
      state.set("2");
      assertThat(ear.next()).as("nothing was told where nothing had changed").isEqualTo("2");
    }
  }

  @Test
  void theAnswerIsAnEventStreamThatNobodyKeeps() throws Exception {
    HttpResponse<String> head = send("HEAD", "/live");
    assertThat(head.statusCode()).isEqualTo(200);
    assertThat(head.headers().firstValue("content-type")).contains("text/event-stream");
    assertThat(stream.listeners()).isZero();
    try (Ear ear = new Ear()) {
      List<String> headers = new ArrayList<>();
      for (String line = ear.line(); !line.isEmpty(); line = ear.line()) {
        headers.add(line);
      }
      assertThat(headers)
          .contains(
              "content-type: text/event-stream",
              "cache-control: no-store",
              "transfer-encoding: chunked",
              "x-content-type-options: nosniff");
    }
  }

  @Test
  void whoSpeaksOnlyHttp10IsToldTheSameWithoutChunksUntilTheConnectionEnds() throws Exception {
    for (String more : List.of("", "Connection: keep-alive\r\n")) {
      state.set("0");
      try (Socket socket = new Socket()) {
        socket.connect(server.address());
        socket.setSoTimeout((int) Eventually.PATIENCE.toMillis());
        socket
            .getOutputStream()
            .write(("GET /live HTTP/1.0\r\n" + more + "\r\n").getBytes(StandardCharsets.US_ASCII));
        awaitListeners(1);
        BufferedReader in =
            new BufferedReader(
                new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
        List<String> head = new ArrayList<>();
        for (String line = in.readLine(); !line.isEmpty(); line = in.readLine()) {
          head.add(line.toLowerCase(Locale.ROOT));
        }
        assertThat(head)
            .contains("connection: close", "content-type: text/event-stream")
            .noneMatch(line -> line.startsWith("transfer-encoding:"))
            .noneMatch(line -> line.startsWith("content-length:"));
        assertThat(in.readLine()).isEqualTo("data: 0");
        assertThat(in.readLine()).isEmpty();
        state.set("1");
        assertThat(in.readLine()).isEqualTo("data: 1");
        assertThat(in.readLine()).isEmpty();
        stream.close();
        assertThat(in.readLine()).as("its end").isNull();
      }
      serveAnew(NEVER, PATIENT);
    }
  }

  @Test
  void aSignOfLifeComesThoughNothingChanges() throws Exception {
    serveAnew(Duration.ofMillis(30), PATIENT);
    try (Ear ear = new Ear()) {
      for (int i = 0; i < 4; i++) {
        assertThat(ear.next()).isEqualTo("0");
      }
    }
  }

  @Test
  void oneLookAndOneMessageServeAllListeners() throws Exception {
    try (Ear first = new Ear();
        Ear second = new Ear();
        Ear third = new Ear()) {
      for (Ear ear : List.of(first, second, third)) {
        assertThat(ear.next()).isEqualTo("0");
      }
      int before = made.get();
      state.set("1");
      for (Ear ear : List.of(first, second, third)) {
        assertThat(ear.next()).isEqualTo("1");
      }
      assertThat(made.get()).isEqualTo(before + 1);
    }
  }

  @Test
  void nothingIsLookedAtWhileNobodyListens() throws Exception {
    Thread.sleep(100);
    assertThat(looks).hasValue(0);
    try (Ear ear = new Ear()) {
      assertThat(ear.next()).isEqualTo("0");
    }
    awaitListeners(0);
    Thread.sleep(100); // the look that was under way
    int after = looks.get();
    Thread.sleep(200);
    assertThat(looks).hasValue(after);
    state.set("later");
    try (Ear ear = new Ear()) {
      assertThat(ear.next()).isEqualTo("later");
    }
  }

  @Test
  void aSlowListenerMissesStatesAndGetsTheLatest() throws Exception {
    try (Ear slow = new Ear(4096);
        Ear quick = new Ear()) {
      assertThat(slow.next()).isEqualTo("0");
      String filling = "x".repeat(1 << 20);
      int told = 40;
      for (int i = 0; i < told; i++) {
        String next = i + filling;
        state.set(next);
        quick.messagesUntil(next);
      }
      state.set("end");
      quick.messagesUntil("end");
      assertThat(slow.messagesUntil("end"))
          .as("messages of %s that were not kept for it", told)
          .isLessThan(told / 2);
    }
  }

  @Test
  void oneThatTakesNothingIsClosedWithinThePatience() throws Exception {
    serveAnew(NEVER, new Limits(CONNECTIONS, Duration.ofMillis(300)));
    String filling = "x".repeat(1 << 20);
    try (Ear deaf = new Ear(4096)) {
      awaitListeners(1);
      AtomicInteger i = new AtomicInteger();
      Eventually.soon(
          () -> {
            state.set(i.incrementAndGet() + filling);
            assertThat(stream.listeners()).isZero();
          });
      assertThat(deaf.socket.isClosed()).as("by us").isFalse();
    }
  }

  @Test
  void oneThatListensLongerThanTheIdleTimeIsNotCutOff() throws Exception {
    serveAnew(Duration.ofMillis(100), new Limits(CONNECTIONS, Duration.ofMillis(400)));
    try (Ear ear = new Ear()) {
      long began = System.nanoTime();
      while (System.nanoTime() - began < Duration.ofMillis(1500).toNanos()) {
        assertThat(ear.next()).isEqualTo("0");
      }
    }
  }

  @Test
  void oneThatGoesAwayOrAsksForMoreGivesItsPlaceBack() throws Exception {
    try (Ear gone = new Ear();
        Ear talker = new Ear()) {
      awaitListeners(2);
      gone.socket.close();
      awaitListeners(1);
      talker
          .socket
          .getOutputStream()
          .write("GET /ready HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      awaitListeners(0);
    }
  }

  @Test
  void asManyListenersAsMayLeaveRoomForEverybodyElse() throws Exception {
    List<Ear> ears = new ArrayList<>();
    try {
      int most = PATIENT.listeners();
      for (int i = 0; i < most; i++) {
        ears.add(new Ear());
      }
      awaitListeners(most);
      HttpResponse<String> refused = send("GET", "/live");
      assertThat(refused.statusCode()).isEqualTo(503);
      assertThat(refused.body()).contains("as many listen as may", "/api/v1/node");
      // and who asks again and again, on a connection of its own each time, as browsers do
      for (int i = 0; i < 3 * CONNECTIONS; i++) {
        Ear more = new Ear();
        ears.add(more);
        assertThat(more.line()).contains("503");
      }
      assertThat(send("GET", "/ready").body()).isEqualTo("yes");
      assertThat(stream.listeners()).isEqualTo(most);
      state.set("1");
      for (Ear ear : ears.subList(0, most)) {
        ear.messagesUntil("1");
      }
    } finally {
      for (Ear ear : ears) {
        ear.close();
      }
    }
  }

  @Test
  void streamsEndWhenTheAgentStops() throws Exception {
    try (Ear first = new Ear();
        Ear second = new Ear()) {
      assertThat(first.next()).isEqualTo("0");
      assertThat(second.next()).isEqualTo("0");
      stream.close();
      assertThat(first.next()).isEqualTo("(ended)");
      assertThat(second.next()).isEqualTo("(ended)");
      assertThat(send("GET", "/live").statusCode()).isEqualTo(503);
    }
  }

  @Test
  void streamsEndWhenTheServerStops() throws Exception {
    try (Ear ear = new Ear()) {
      assertThat(ear.next()).isEqualTo("0");
      server.close();
      assertThat(ear.next()).isEqualTo("(ended)");
    }
  }

  @Test
  void aSourceThatFailsOnceIsAskedAgain() throws Exception {
    AtomicInteger asked = new AtomicInteger();
    stream.close();
    stream =
        new EventStream<>(
            1,
            Duration.ofMillis(10),
            NEVER,
            () -> {
              if (asked.incrementAndGet() == 1) {
                throw new IllegalStateException("once");
              }
              return "well";
            },
            String::equals,
            text -> text.getBytes(StandardCharsets.US_ASCII));
    try (Ear ear = new Ear()) {
      assertThat(ear.next()).isEqualTo("well");
    }
  }
}
