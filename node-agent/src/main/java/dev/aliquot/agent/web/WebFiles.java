package dev.aliquot.agent.web;

import dev.aliquot.agent.http.Response;
import dev.aliquot.agent.http.Route;
import dev.aliquot.agent.http.Route.Method;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * The page's files, out of the jar: these and no others. A browser asks each time whether it still
 * has the right ones, so that a page never runs with another agent's script.
 */
final class WebFiles {
  private static final String SCRIPT = "text/javascript; charset=utf-8";

  /** Nothing but what this agent serves, nothing within the page's text, nobody's frame. */
  private static final String POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
          + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  private record WebFile(String path, String name, String type) {}

  private static final List<WebFile> FILES =
      List.of(
          new WebFile("/", "index.html", "text/html; charset=utf-8"),
          new WebFile("/page.css", "page.css", "text/css; charset=utf-8"),
          new WebFile("/icon.svg", "icon.svg", "image/svg+xml"),
          script("page.js"),
          script("live.js"),
          script("dom.js"),
          script("format.js"),
          script("node.js"),
          script("kubelet.js"),
          script("device.js"),
          script("bar.js"),
          script("hue.js"),
          script("tenant.js"),
          script("chart.js"),
          script("past.js"),
          script("faults.js"),
          script("bypass.js"),
          script("pool.js"),
          script("ui.js"));

  private WebFiles() {}

  private static WebFile script(String name) {
    return new WebFile("/" + name, name, SCRIPT);
  }

  /** One for each file. */
  static List<Route> routes() {
    return FILES.stream().map(WebFiles::route).toList();
  }

  private static Route route(WebFile file) {
    byte[] content = read(file.name());
    Response answer =
        new Response(
            200,
            file.type(),
            Map.of(
                "etag", tag(content),
                "cache-control", "no-cache",
                "content-security-policy", POLICY,
                "cross-origin-resource-policy", "same-origin",
                "referrer-policy", "no-referrer"),
            content);
    return new Route(Method.GET, file.path(), request -> answer);
  }

  private static byte[] read(String name) {
    try (InputStream in = WebFiles.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("the program lacks its file " + name);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("the program's file " + name + " cannot be read", e);
    }
  }

  private static String tag(byte[] content) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(content);
      return '"' + HexFormat.of().formatHex(digest, 0, 12) + '"';
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }
}
