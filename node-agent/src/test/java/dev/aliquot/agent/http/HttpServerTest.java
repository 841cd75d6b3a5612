package dev.aliquot.agent.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.http.Route.Method;
import dev.aliquot.agent.metrics.SampleNode;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.view.HistoryView;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.agent.view.TenantView;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
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
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class HttpServerTest {
  private static final Duration IDLE = Duration.ofMillis(700);
  private static final Limits LIMITS = new Limits(8, Eventually.PATIENCE.multipliedBy(2));

  private final CountDownLatch release = new CountDownLatch(1);
  private final Semaphore entered = new Semaphore(0);
  private final HttpClient client = HttpClient.newHttpClient();
  private volatile NodeView node = SampleNode.node();
  private final List<Route> routes = new ArrayList<>();
  private HttpServer server;

  @BeforeEach
  void start() throws IOException {
    routes.addAll(
        ApiRoutes.over(
            () -> node, () -> node.health().faults(), SampleNode::history, () -> "metric 1\n"));
    routes.add(
        new Route(
            Method.GET,
            "/slow",
            request -> {
              entered.release();
              release.await();
              return Response.text(200, "text/plain", "late");
            }));
    routes.add(
        new Route(
            Method.GET,
            "/broken",
            request -> {
              throw new IllegalStateException("inside");
            }));
    routes.add(
        new Route(
            Method.POST,
            "/echo",
            request -> Response.text(200, "text/plain", "" + request.body().length)));
    server = HttpServer.tcp("127.0.0.1", 0, LIMITS, routes);
  }

  @AfterEach
  void stop() {
    release.countDown();
    server.close();
    client.close();
  }

  /** From here on the server closes whoever does not send a whole request soon. */
  private void loseAllPatience() throws IOException {
    server.close();
    server = HttpServer.tcp("127.0.0.1", 0, new Limits(8, IDLE), routes);
  }

  private int port() {
    return ((InetSocketAddress) server.address()).getPort();
  }

  private HttpResponse<String> send(String method, String path, String body)
      throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + path))
            .method(method, HttpRequest.BodyPublishers.ofString(body))
            .build();
    return client.send(request, HttpResponse.BodyHandlers.ofString());
  }

  private HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return send("GET", path, "");
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), port());
    socket.setSoTimeout((int) Eventually.PATIENCE.toMillis());
    return socket;
  }

  private static String readAll(Socket socket) throws IOException {
    try (InputStream in = socket.getInputStream()) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (java.net.SocketException reset) {
      return "";
    }
  }

  /** What comes back until the connection is closed; nothing, where it has been already. */
  private static String answerTo(String request, Socket socket) throws IOException {
    try {
      socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
    } catch (java.net.SocketException closed) {
      return "";
    }
    return readAll(socket);
  }

  @Test
  void listensOnLoopbackOnly() {
    assertThat(((InetSocketAddress) server.address()).getAddress().isLoopbackAddress()).isTrue();
  }

  @Test
  void servesMetricsHealthAndState() throws IOException, InterruptedException {
    assertThat(get("/metrics").body()).isEqualTo("metric 1\n");
    assertThat(get("/metrics").headers().firstValue("content-type"))
        .contains("text/plain; version=0.0.4; charset=utf-8");
    assertThat(get("/healthz").body()).isEqualTo("{\"status\":\"ok\"}");
    assertThat(get("/readyz").statusCode()).isEqualTo(200);
    assertThat(
            Json.read(get("/api/v1/node").body().getBytes(StandardCharsets.UTF_8), NodeView.class))
        .isEqualTo(node);
    assertThat(
            Json.read(
                get("/api/v1/history").body().getBytes(StandardCharsets.UTF_8), HistoryView.class))
        .isEqualTo(SampleNode.history());
    assertThat(get("/api/v1/devices").body()).contains("\"uuid\":\"" + SampleNode.DEVICE + "\"");
    assertThat(
            Json.read(
                get("/api/v1/tenants?x=1").body().getBytes(StandardCharsets.UTF_8),
                TenantView[].class))
        .hasSize(2);
    assertThat(
            Json.read(
                get("/api/v1/tenants/train").body().getBytes(StandardCharsets.UTF_8),
                TenantView[].class)[0]
                .id())
        .isEqualTo("t1");
  }

  @Test
  void readinessSaysWhyNot() throws IOException, InterruptedException {
    NodeView n = SampleNode.node();
    node =
        new NodeView(
            n.node(),
            n.version(),
            n.driverVersion(),
            n.cudaVersion(),
            true,
            n.started(),
            n.sampled(),
            false,
            "no driver",
            n.devices(),
            n.tenants(),
            n.events(),
            n.hostPool(),
            n.health(),
            n.kubelet());
    assertThat(get("/readyz").statusCode()).isEqualTo(503);
    assertThat(get("/readyz").body()).contains("no driver");
    assertThat(get("/healthz").statusCode()).isEqualTo(200);
  }

  @Test
  void whatIsNotThereIsSaidAsJsonWithAHint() throws IOException, InterruptedException {
    assertThat(get("/nothing").statusCode()).isEqualTo(404);
    assertThat(get("/nothing").body())
        .contains("\"error\":\"there is nothing at /nothing\"")
        .contains("\"hint\":");
    assertThat(get("/api/v1/tenants/none").statusCode()).isEqualTo(404);
    assertThat(get("/api/v1/tenants/a/b").statusCode()).isEqualTo(404);
    assertThat(send("POST", "/metrics", "").statusCode()).isEqualTo(405);
    assertThat(send("PUT", "/metrics", "").body()).contains("use GET");
  }

  @Test
  void aRouteThatFailsIsAnsweredWith500AndTheServerGoesOn()
      throws IOException, InterruptedException {
    assertThat(get("/broken").statusCode()).isEqualTo(500);
    assertThat(get("/healthz").statusCode()).isEqualTo(200);
  }

  @Test
  void headAnswersWithoutBody() throws IOException, InterruptedException {
    HttpResponse<String> answer = send("HEAD", "/healthz", "");
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).isEmpty();
  }

  @Test
  void whoSpeaksOnlyHttp10IsAnsweredWithTheLengthAndTheConnectionEnds() throws IOException {
    for (String more : List.of("", "Connection: keep-alive\r\n")) {
      for (String path : List.of("/metrics", "/nothing")) {
        try (Socket socket = connect()) {
          String answer = answerTo("GET " + path + " HTTP/1.0\r\n" + more + "\r\n", socket);
          assertThat(answer.toLowerCase(Locale.ROOT))
              .contains("connection: close\r\n", "content-length: ")
              .doesNotContain("transfer-encoding");
          if (path.equals("/metrics")) {
            assertThat(answer).startsWith("HTTP/1.1 200 OK").endsWith("\r\n\r\nmetric 1\n");
          } else {
            assertThat(answer).startsWith("HTTP/1.1 404").contains("there is nothing at /nothing");
          }
        }
      }
    }
  }

  @Test
  void malformedRequestsAreRefusedAndHurtNobodyElse() throws IOException {
    loseAllPatience(); // some of them are no whole request yet
    for (String bad :
        List.of(
            "NONSENSE\r\n\r\n",
            "GET / HTTP/9.9\r\n\r\n",
            "\u0000\u0001\r\n\r\n",
            "GET /" + "x".repeat(20_000) + " HTTP/1.1\r\n\r\n")) {
      try (Socket socket = connect()) {
        String answer = answerTo(bad, socket);
        assertThat(answer.isEmpty() || answer.startsWith("HTTP/1.1 4")).as(answer).isTrue();
      }
    }
    Eventually.soon(() -> assertThat(get("/healthz").statusCode()).isEqualTo(200));
  }

  @Test
  void aBodyBeyondTheBoundIsRefused() throws IOException, InterruptedException {
    assertThat(send("POST", "/echo", "x".repeat(60_000)).body()).isEqualTo("60000");
    assertThat(send("POST", "/echo", "x".repeat(70_000)).statusCode()).isEqualTo(413);
  }

  @Test
  void anIdleConnectionIsClosed() throws IOException {
    loseAllPatience();
    try (Socket socket = connect()) {
      assertThat(readAll(socket)).isEmpty();
    }
  }

  @Test
  void aRequestSentByteByByteIsCutOff() throws IOException, InterruptedException {
    loseAllPatience();
    try (Socket socket = connect()) {
      long began = System.nanoTime();
      boolean cut = false;
      while (!cut && System.nanoTime() - began < Eventually.PATIENCE.toNanos()) {
        Thread.sleep(100);
        try {
          socket.getOutputStream().write('G');
        } catch (IOException closed) {
          cut = true;
        }
      }
      assertThat(cut).as("cut off while sending").isTrue();
    }
  }

  @Test
  void connectionsBeyondTheLimitAreClosedAndRoomIsGivenBack()
      throws IOException, InterruptedException {
    List<Socket> open = new ArrayList<>();
    for (int i = 0; i < LIMITS.connections(); i++) {
      open.add(connect());
    }
    try (Socket beyond = connect()) {
      beyond
          .getOutputStream()
          .write("GET /healthz HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      assertThat(readAll(beyond)).isEmpty();
    }
    for (Socket socket : open) {
      socket.close();
    }
    Eventually.soon(() -> assertThat(get("/healthz").statusCode()).isEqualTo(200));
  }

  @Test
  void aSlowRouteDoesNotBlockTheOthers() throws IOException, InterruptedException {
    loseAllPatience();
    HttpRequest slow =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + "/slow")).build();
    var late = client.sendAsync(slow, HttpResponse.BodyHandlers.ofString());
    while (!entered.tryAcquire(100, TimeUnit.MILLISECONDS)) {
      if (late.isDone()) { // it stalled before it had sent its request
        late = client.sendAsync(slow, HttpResponse.BodyHandlers.ofString());
      }
    }
    Thread.sleep(IDLE.plusMillis(300));
    assertThat(late).as("a request in progress is not cut off").isNotDone();
    Eventually.soon(() -> assertThat(get("/healthz").statusCode()).isEqualTo(200));
    assertThat(late).as("it is still not").isNotDone();
    release.countDown();
    assertThat(late.join().body()).isEqualTo("late");
  }

  @Test
  void whoAsksAndDoesNotTakeTheAnswersIsGivenNoMore() throws Exception {
    final int most = 30;
    AtomicInteger answered = new AtomicInteger();
    routes.add(
        new Route(
            Method.GET,
            "/large",
            request -> {
              answered.incrementAndGet();
              return Response.text(200, "text/plain", "x".repeat(4 << 20));
            }));
    server.close();
    server = HttpServer.tcp("127.0.0.1", 0, LIMITS, routes);
    byte[] request =
        "GET /large HTTP/1.1\r\nHost: node\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    try (Socket socket = connect()) {
      int asked = 0;
      while (answered.get() == asked && asked < most) {
        socket.getOutputStream().write(request);
        asked++;
        for (int i = 0; i < 100 && answered.get() < asked; i++) {
          Thread.sleep(10);
        }
      }
      assertThat(get("/healthz").statusCode()).as("the others notice nothing").isEqualTo(200);
      assertThat(answered).as("what the sockets' buffers hold").hasValueBetween(1, most - 1);
    }
  }

  @Test
  void aPortInUseIsNamed() {
    org.assertj.core.api.Assertions.assertThatIOException()
        .isThrownBy(() -> HttpServer.tcp("127.0.0.1", port(), LIMITS, List.of()).close())
        .withMessageContaining("port " + port())
        .withMessageContaining("http-port");
  }
}
