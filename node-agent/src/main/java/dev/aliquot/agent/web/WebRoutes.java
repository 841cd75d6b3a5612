package dev.aliquot.agent.web;

import dev.aliquot.agent.http.EventStream;
import dev.aliquot.agent.http.Json;
import dev.aliquot.agent.http.Limits;
import dev.aliquot.agent.http.Route;
import dev.aliquot.agent.http.Route.Method;
import dev.aliquot.agent.view.LiveView;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** The page, and what keeps it current. */
public final class WebRoutes {
  private static final Duration PERIOD = Duration.ofMillis(250);
  private static final Duration SIGN_OF_LIFE = Duration.ofSeconds(2);

  private WebRoutes() {}

  /** The node for those who watch it: at most four messages a second, one in 2 s at least. */
  public static EventStream<LiveView> live(Supplier<LiveView> source, Limits limits) {
    return new EventStream<>(
        limits.listeners(), PERIOD, SIGN_OF_LIFE, source, LiveView::sameAs, Json::bytes);
  }

  /** The page's files and its stream. */
  public static List<Route> over(EventStream<LiveView> live) {
    List<Route> routes = new ArrayList<>(WebFiles.routes());
    routes.add(new Route(Method.GET, "/api/v1/live", request -> live));
    return List.copyOf(routes);
  }
}
