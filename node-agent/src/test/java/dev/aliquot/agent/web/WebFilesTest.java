package dev.aliquot.agent.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.http.HttpServer;
import dev.aliquot.agent.http.Limits;
import dev.aliquot.agent.support.Eventually;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The page's files as a browser gets them. */
class WebFilesTest {
  private static final Pattern IMPORT = Pattern.compile("from '\\./([a-z]+\\.js)'");
  private static final Map<String, String> TYPES =
      Map.of(
          "html", "text/html; charset=utf-8",
          "css", "text/css; charset=utf-8",
          "js", "text/javascript; charset=utf-8",
          "svg", "image/svg+xml");

  private final HttpClient client = HttpClient.newHttpClient();
  private HttpServer server;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.tcp("127.0.0.1", 0, new Limits(16, Eventually.PATIENCE), WebFiles.routes());
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private int port() {
    return ((InetSocketAddress) server.address()).getPort();
  }

  private HttpResponse<String> send(String method, String path, String... headers)
      throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + path))
            .method(method, HttpRequest.BodyPublishers.noBody());
    if (headers.length > 0) {
      request.headers(headers);
    }
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private static String header(HttpResponse<?> answer, String name) {
    return answer.headers().firstValue(name).orElse("");
  }

  /** The files in the program's own folder of them, by their paths. */
  private static Map<String, String> files() throws Exception {
    Path folder = Path.of(WebFiles.class.getResource("index.html").toURI()).getParent();
    Map<String, String> files = new TreeMap<>();
    try (var all = Files.list(folder)) {
      for (Path file : all.filter(each -> !each.toString().endsWith(".class")).toList()) {
        String name = file.getFileName().toString();
        files.put(name.equals("index.html") ? "/" : "/" + name, Files.readString(file));
      }
    }
    assertThat(files).hasSizeGreaterThan(10);
    return files;
  }

  @Test
  void everyFileIsServedAsWhatItIsAndMayLoadNothingFromElsewhere() throws Exception {
    for (var file : files().entrySet()) {
      String path = file.getKey();
      HttpResponse<String> answer = send("GET", path);
      assertThat(answer.statusCode()).as(path).isEqualTo(200);
      assertThat(answer.body()).isEqualTo(file.getValue());
      String kind = path.equals("/") ? "html" : path.substring(path.indexOf('.') + 1);
      assertThat(header(answer, "content-type")).isEqualTo(TYPES.get(kind));
      assertThat(header(answer, "x-content-type-options")).isEqualTo("nosniff");
      assertThat(header(answer, "referrer-policy")).isEqualTo("no-referrer");
      assertThat(header(answer, "cache-control")).isEqualTo("no-cache");
      assertThat(header(answer, "content-security-policy"))
          .contains("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'")
          .doesNotContain("unsafe");
    }
  }

  @Test
  void nothingInThemIsInlineOrFromElsewhere() throws Exception {
    for (var file : files().entrySet()) {
      String text =
          file.getValue()
              .replace("http://www.w3.org/2000/svg", "") // a name and no address
              .replaceAll("(?m)^\\s*//.*$", "");
      assertThat(text)
          .as(file.getKey())
          .doesNotContain("http:", "https:", "innerHTML", "outerHTML", "insertAdjacent", "eval(")
          .doesNotContainPattern("<[a-z][^>]* (style|on[a-z]+)=")
          .doesNotContainPattern("<script(?![^>]* src=)")
          .doesNotContain("<style");
    }
  }

  @Test
  void everyScriptThatAnotherOneImportsIsThere() throws Exception {
    Map<String, String> files = files();
    for (String text : files.values()) {
      IMPORT
          .matcher(text)
          .results()
          .forEach(found -> assertThat(files).containsKey("/" + found.group(1)));
    }
    Arrays.stream(files.get("/").split("\""))
        .filter(word -> word.endsWith(".js") || word.endsWith(".css") || word.endsWith(".svg"))
        .forEach(name -> assertThat(files).containsKey("/" + name));
  }

  @Test
  void whoHasAFileAlreadyIsToldSoWithoutItsContent() throws Exception {
    HttpResponse<String> first = send("GET", "/page.js");
    String tag = header(first, "etag");
    assertThat(tag).matches("\"[0-9a-f]{24}\"");
    for (String known : List.of(tag, "W/" + tag, "\"other\", " + tag)) {
      HttpResponse<String> again = send("GET", "/page.js", "If-None-Match", known);
      assertThat(again.statusCode()).as(known).isEqualTo(304);
      assertThat(again.body()).isEmpty();
      assertThat(header(again, "etag")).isEqualTo(tag);
    }
    assertThat(send("GET", "/page.js", "If-None-Match", "\"other\"").body())
        .isEqualTo(first.body());
    assertThat(header(send("GET", "/page.css"), "etag")).isNotEqualTo(tag);
  }

  @Test
  void headHasTheHeadersAlone() throws Exception {
    HttpResponse<String> head = send("HEAD", "/");
    assertThat(head.statusCode()).isEqualTo(200);
    assertThat(head.body()).isEmpty();
    assertThat(header(head, "content-length"))
        .isEqualTo(Integer.toString(send("GET", "/").body().length()));
  }

  @Test
  void thePageChangesNothing() throws Exception {
    for (String method : List.of("POST", "PUT", "DELETE", "PATCH")) {
      assertThat(send(method, "/").statusCode()).as(method).isEqualTo(405);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/index.html",
        "/page",
        "/package-info.class",
        "/WebFiles.class",
        "/../../version",
        "/page.js/",
        "/./page.js",
        "/../web/page.js",
        "/%2e%2e/%2e%2e/version",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/..\\version",
        "//etc/passwd",
        "/page.js%00.css",
        "/page.js;x"
      })
  void nothingElseIsServed(String path) throws Exception {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port())) {
      socket.setSoTimeout((int) Eventually.PATIENCE.toMillis());
      socket
          .getOutputStream()
          .write(
              ("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                  .getBytes(StandardCharsets.US_ASCII));
      String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(answer)
          .startsWith("HTTP/1.1 404 ")
          .contains("content-type: application/json", "\"error\":\"there is nothing at ");
    }
  }
}
