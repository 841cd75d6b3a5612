package dev.aliquot.agent.admin;

import dev.aliquot.agent.AgentException;
import dev.aliquot.agent.Peer;
import dev.aliquot.agent.SwapWay;
import dev.aliquot.agent.http.Answer;
import dev.aliquot.agent.http.Caller;
import dev.aliquot.agent.http.Json;
import dev.aliquot.agent.http.Request;
import dev.aliquot.agent.http.Response;
import dev.aliquot.agent.http.Route;
import dev.aliquot.agent.http.Route.Method;
import dev.aliquot.agent.view.DrillSpec;
import dev.aliquot.agent.view.TenantResize;
import dev.aliquot.agent.view.TenantSpec;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What can be asked over the administration socket. */
final class AdminRoutes {
  private static final Logger LOG = LoggerFactory.getLogger(AdminRoutes.class);

  private final TenantAdmin agent;
  private final Permission permission;

  AdminRoutes(TenantAdmin agent, Permission permission) {
    this.agent = agent;
    this.permission = permission;
  }

  List<Route> routes() {
    return List.of(
        route(Method.GET, "/v1/node", request -> Response.json(200, agent.view())),
        route(Method.POST, "/v1/tenants", this::create),
        route(Method.PATCH, "/v1/tenants/{}", this::resize),
        route(Method.POST, "/v1/swap-out/{}", request -> swap(request, SwapWay.OUT)),
        route(Method.POST, "/v1/swap-out-deep/{}", request -> swap(request, SwapWay.OUT_DEEP)),
        route(Method.POST, "/v1/swap-in/{}", request -> swap(request, SwapWay.IN)),
        route(Method.POST, "/v1/health-clear/{}", this::clear),
        route(Method.POST, "/v1/health-drill", this::drill),
        route(Method.DELETE, "/v1/tenants/{}", this::end));
  }

  private Route route(Method method, String pattern, Route.Handler handler) {
    return new Route(method, pattern, request -> guarded(request, handler));
  }

  private Answer guarded(Request request, Route.Handler handler) throws Exception {
    Caller caller = request.peer();
    if (!permission.allows(caller)) {
      LOG.warn("refused {} {}: {}", request.method(), request.path(), permission.refusal(caller));
      return Response.error(
          403,
          permission.refusal(caller),
          "run this as root, or set admin-group and join that group");
    }
    try {
      return handler.answer(request);
    } catch (AgentException e) {
      return failure(e);
    }
  }

  private Response create(Request request) throws AgentException {
    TenantSpec spec;
    try {
      spec = Json.read(request.body(), TenantRequest.class).checked();
    } catch (IllegalArgumentException e) {
      return Response.error(
          400, String.valueOf(e.getMessage()), "docs/operations.md shows a request");
    }
    Caller caller = request.peer();
    if (spec.rootPid() != 0 && !permission.isOwner(caller)) {
      return Response.error(
          403,
          "user " + caller.uid() + " may not make a tenant of another process",
          "leave rootPid out");
    }
    // Its cgroup may hold other users' processes too, and it stays when its processes have ended.
    if (!spec.container().isEmpty() && !permission.isOwner(caller)) {
      return Response.error(
          403,
          "user " + caller.uid() + " may not make a tenant of a container",
          "leave container out");
    }
    return Response.json(201, agent.createTenant(spec, peer(caller)));
  }

  private Response resize(Request request) throws AgentException {
    TenantResize change;
    try {
      change = Json.read(request.body(), TenantResize.class).checked();
    } catch (IllegalArgumentException e) {
      return Response.error(
          400, String.valueOf(e.getMessage()), "docs/operations.md shows a request");
    }
    agent.resizeTenant(request.parameter(), change, peer(request.peer()));
    return Response.json(200, Map.of("resized", request.parameter()));
  }

  private Response swap(Request request, SwapWay way) throws AgentException {
    agent.swapTenant(request.parameter(), way, peer(request.peer()));
    return Response.json(
        202, Map.of(way == SwapWay.IN ? "returning" : "leaving", request.parameter()));
  }

  private Response clear(Request request) throws AgentException {
    agent.clearDevice(request.parameter(), peer(request.peer()));
    return Response.json(200, Map.of("cleared", request.parameter()));
  }

  private Response drill(Request request) throws AgentException {
    DrillSpec spec;
    try {
      spec = Json.read(request.body(), DrillSpec.class).checked();
    } catch (IllegalArgumentException e) {
      return Response.error(
          400,
          String.valueOf(e.getMessage()),
          "aliquot health drill --help shows what can be made");
    }
    return Response.json(200, agent.drill(spec, peer(request.peer())));
  }

  private Response end(Request request) throws AgentException {
    agent.endTenant(request.parameter(), peer(request.peer()));
    return Response.json(200, Map.of("ended", request.parameter()));
  }

  private static Peer peer(Caller caller) {
    return new Peer(caller.pid(), caller.uid(), caller.gid());
  }

  private static Response failure(AgentException e) {
    int status =
        switch (e.kind()) {
          case INVALID -> 400;
          case FORBIDDEN -> 403;
          case NOT_FOUND -> 404;
          case CONFLICT, NO_ROOM -> 409;
          case UNAVAILABLE -> 503;
        };
    String hint =
        switch (e.kind()) {
          case INVALID -> "correct the request";
          case FORBIDDEN -> "ask the node's administrator";
          case NOT_FOUND -> "aliquot status lists what there is";
          case CONFLICT -> "choose another name";
          case NO_ROOM -> "ask for less, or end a tenant; aliquot status shows what is free";
          case UNAVAILABLE -> "see the agent's log";
        };
    return Response.error(status, String.valueOf(e.getMessage()), hint);
  }
}
