package dev.aliquot.agent.http;

import dev.aliquot.agent.http.Route.Method;
import dev.aliquot.agent.view.FaultView;
import dev.aliquot.agent.view.HistoryView;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.agent.view.TenantView;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * What anyone who reaches the port may read: metrics, health and the node's state. Nothing here
 * changes anything.
 */
public final class ApiRoutes {
  private static final String METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

  private ApiRoutes() {}

  /** The routes over sources that are cheap and safe from any thread. */
  public static List<Route> over(
      Supplier<NodeView> view,
      Supplier<List<FaultView>> faults,
      Supplier<HistoryView> history,
      Supplier<String> metrics) {
    return List.of(
        get("/metrics", request -> Response.text(200, METRICS_TYPE, metrics.get())),
        get("/healthz", request -> Response.json(200, Map.of("status", "ok"))),
        get("/readyz", request -> readiness(view.get())),
        get("/api/v1/node", request -> Response.json(200, view.get())),
        get("/api/v1/devices", request -> Response.json(200, view.get().devices())),
        get("/api/v1/faults", request -> Response.json(200, faults.get())),
        get("/api/v1/history", request -> Response.json(200, history.get())),
        get("/api/v1/health", request -> Response.json(200, view.get().health())),
        get("/api/v1/tenants", request -> Response.json(200, view.get().tenants())),
        get("/api/v1/tenants/{}", request -> tenant(view.get(), request.parameter())));
  }

  private static Route get(String pattern, Route.Handler handler) {
    return new Route(Method.GET, pattern, handler);
  }

  private static Response readiness(NodeView node) {
    return node.ready()
        ? Response.json(200, Map.of("ready", true, "degraded", degraded(node)))
        : Response.json(503, Map.of("ready", false, "reason", node.readyReason()));
  }

  /** Tenants are served; not all that belongs to it works. */
  private static List<String> degraded(NodeView node) {
    List<String> degraded = new ArrayList<>(node.health().degraded());
    if (node.kubelet() != null) {
      degraded.addAll(node.kubelet().problems());
    }
    return degraded;
  }

  private static Response tenant(NodeView node, String idOrName) {
    List<TenantView> views =
        node.tenants().stream()
            .filter(t -> t.id().equals(idOrName) || t.name().equals(idOrName))
            .toList();
    return views.isEmpty()
        ? Response.error(
            404, "there is no tenant '" + idOrName + "'", "GET /api/v1/tenants lists them")
        : Response.json(200, views);
  }
}
