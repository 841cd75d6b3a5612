package dev.aliquot.agent.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.server.mock.KubernetesCrudDispatcher;
import io.fabric8.kubernetes.client.server.mock.KubernetesMockServer;
import io.fabric8.mockwebserver.Context;
import io.fabric8.mockwebserver.MockWebServer;
import io.fabric8.mockwebserver.dsl.HttpMethod;
import io.fabric8.mockwebserver.http.Buffer;
import io.fabric8.mockwebserver.http.Dispatcher;
import io.fabric8.mockwebserver.http.Headers;
import io.fabric8.mockwebserver.http.MockResponse;
import io.fabric8.mockwebserver.http.RecordedRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * fabric8's API server that keeps what it is told, and what a real one does beyond it: conditions
 * merged by their types, lists replaced and given in parts, evictions, its time in every answer,
 * and being away.
 */
public final class FakeApi implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(FakeApi.class);

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String EVICTION = "/eviction";
  private static final String STATUS = "/status";

  /** Answers 503 to everything. */
  volatile boolean away;

  /** Answers 403 to requests whose path ends so; empty: to none. */
  volatile String forbidden = "";

  /** Whether disruption budgets let pods go. */
  volatile boolean budget = true;

  /** As a Date header; empty: none is sent. */
  volatile String date = "";

  /** Answers 401 to whoever has another one; empty: to nobody. */
  volatile String token = "";

  private final List<Request> requests = new CopyOnWriteArrayList<>();
  private final KubernetesCrudDispatcher store = new KubernetesCrudDispatcher();
  private final KubernetesMockServer server =
      new KubernetesMockServer(
          new Context(), new MockWebServer(), new HashMap<>(), new Front(), false);

  /** One that was made, by somebody other than {@link #admin}. */
  record Request(String method, String path, String body) {
    boolean changesSomething() {
      return !method.equals("GET");
    }
  }

  public FakeApi() {
    server.init();
  }

  /** What an agent speaks to it with. */
  Config config() {
    return new ConfigBuilder(Config.empty()).withMasterUrl(server.url("/")).build();
  }

  /** Where it listens. */
  public String url() {
    return server.url("/");
  }

  /** What a test speaks to it with; see {@link #forget}. */
  public KubernetesClient admin() {
    return server.createClient();
  }

  List<Request> requests() {
    return List.copyOf(requests);
  }

  List<Request> changes() {
    return requests.stream().filter(Request::changesSomething).toList();
  }

  /** Of the requests so far nothing is known from now on. */
  void forget() {
    requests.clear();
  }

  private final class Front extends Dispatcher {
    @Override
    public MockResponse dispatch(RecordedRequest request) {
      String path = request.getPath().replaceFirst("\\?.*", "");
      String body = request.getBody() == null ? "" : request.getUtf8Body();
      requests.add(new Request(request.getMethod(), path, body));
      MockResponse response = answer(request, path, body);
      return date.isEmpty() ? response : response.setHeader("Date", date);
    }
  }

  private MockResponse answer(RecordedRequest request, String path, String body) {
    if (away) {
      return new MockResponse().setResponseCode(503);
    }
    if (!token.isEmpty() && !("Bearer " + token).equals(request.getHeader("Authorization"))) {
      return new MockResponse().setResponseCode(401);
    }
    if (!forbidden.isEmpty() && path.endsWith(forbidden)) {
      return new MockResponse().setResponseCode(403);
    }
    String type = String.valueOf(request.getHeader("Content-Type"));
    if (path.endsWith(EVICTION)) {
      return budget
          ? send(HttpMethod.DELETE, path.substring(0, path.length() - EVICTION.length()), "")
          : new MockResponse().setResponseCode(429);
    }
    if (type.contains("strategic-merge") && path.endsWith(STATUS)) {
      return mergeConditions(path, body);
    }
    if (type.contains("application/merge-patch")) {
      return merge(path, body);
    }
    // the store knows no such field; who lists gets the other nodes' pods, too
    String stored = request.getPath().replaceFirst("fieldSelector=spec.nodeName[^&]*&?", "");
    MockResponse response = send(request.method(), stored, body, request.getHeaders());
    return request.getPath().contains("limit=") ? page(request.getPath(), response) : response;
  }

  /** A list in parts, which the store does not know. */
  private static MockResponse page(String path, MockResponse whole) {
    try {
      ObjectNode list = (ObjectNode) JSON.readTree(whole.getBody().readUtf8());
      int begin = parameter(path, "continue");
      int end = begin + parameter(path, "limit");
      ArrayNode items = (ArrayNode) list.get("items");
      ArrayNode part = JSON.createArrayNode();
      for (int i = begin; i < Math.min(end, items.size()); i++) {
        part.add(items.get(i));
      }
      list.set("items", part);
      if (end < items.size()) {
        list.withObject("/metadata").put("continue", Integer.toString(end));
      }
      return new MockResponse().setResponseCode(200).setBody(list.toString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static int parameter(String path, String name) {
    Matcher found = Pattern.compile("[?&]" + name + "=([0-9]+)").matcher(path);
    return found.find() ? Integer.parseInt(found.group(1)) : 0;
  }

  /** The store's own merge appends lists. */
  private MockResponse merge(String path, String body) {
    MockResponse before = send(HttpMethod.GET, path, "");
    if (before.code() != 200) {
      return before;
    }
    try {
      ObjectNode object = (ObjectNode) JSON.readTree(before.getBody().readUtf8());
      merge(object, JSON.readTree(body));
      return send(HttpMethod.PUT, path, object.toString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void merge(ObjectNode object, JsonNode patch) {
    patch
        .properties()
        .forEach(
            each -> {
              if (each.getValue() instanceof ObjectNode inner) {
                merge(object.withObject("/" + each.getKey().replace("/", "~1")), inner);
              } else if (each.getValue().isNull()) {
                object.remove(each.getKey());
              } else {
                object.set(each.getKey(), each.getValue());
              }
            });
  }

  private MockResponse mergeConditions(String path, String body) {
    try {
      MockResponse before =
          send(HttpMethod.GET, path.substring(0, path.length() - STATUS.length()), "");
      ObjectNode node = (ObjectNode) JSON.readTree(before.getBody().readUtf8());
      ArrayNode conditions = node.withObject("/status").withArray("conditions");
      for (JsonNode patched : JSON.readTree(body).at("/status/conditions")) {
        int at = 0;
        while (at < conditions.size()
            && !conditions.get(at).path("type").equals(patched.path("type"))) {
          at++;
        }
        if (at < conditions.size()) {
          conditions.set(at, patched);
        } else {
          conditions.add(patched);
        }
      }
      return send(HttpMethod.PUT, path, node.toString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private MockResponse send(HttpMethod method, String path, String body) {
    return send(method, path, body, Headers.builder().build());
  }

  private MockResponse send(HttpMethod method, String path, String body, Headers headers) {
    return store.dispatch(
        new RecordedRequest(
            "HTTP/1.1", method, path, headers, new Buffer(body.getBytes(StandardCharsets.UTF_8))));
  }

  @Override
  public void close() {
    try {
      server.destroy();
    } catch (IllegalStateException e) {
      // It waits 10 s for its own threads, of which one may be held by a watch; they are daemons.
      LOG.warn("the server of this test is left alone: {}", e.getMessage());
    }
  }
}
