package dev.aliquot.agent.http;

import java.util.List;
import java.util.Optional;

/**
 * One thing that can be asked.
 *
 * @param pattern a path in which one last segment may be {@code {}}
 * @param handler called on a worker thread; may block for a bounded time
 */
public record Route(Method method, String pattern, Handler handler) {
  /** The methods that are spoken. */
  public enum Method {
    GET,
    POST,
    PATCH,
    DELETE
  }

  /** Answers a request. What it throws is answered with status 500. */
  @FunctionalInterface
  public interface Handler {
    /** The answer. */
    Answer answer(Request request) throws Exception;
  }

  /** What stands at {@code {}}, or empty text; nothing where the path is another. */
  Optional<String> match(String path) {
    if (!pattern.endsWith("/{}")) {
      return pattern.equals(path) ? Optional.of("") : Optional.empty();
    }
    String prefix = pattern.substring(0, pattern.length() - 2);
    if (!path.startsWith(prefix)) {
      return Optional.empty();
    }
    String parameter = path.substring(prefix.length());
    return parameter.isEmpty() || parameter.indexOf('/') >= 0
        ? Optional.empty()
        : Optional.of(parameter);
  }

  /** Answers with the first route that fits, or says why none does. */
  static Answer dispatch(List<Route> routes, String method, String path, byte[] body, Caller peer)
      throws Exception {
    String wrongMethods = "";
    for (Route route : routes) {
      Optional<String> parameter = route.match(path);
      if (parameter.isEmpty()) {
        continue;
      }
      if (route.method().name().equals(method)
          || (method.equals("HEAD") && route.method() == Method.GET)) {
        return route
            .handler()
            .answer(new Request(route.method(), path, parameter.get(), body, peer));
      }
      wrongMethods += (wrongMethods.isEmpty() ? "" : ", ") + route.method();
    }
    if (!wrongMethods.isEmpty()) {
      return Response.error(405, method + " is not possible on " + path, "use " + wrongMethods);
    }
    List<String> paths = routes.stream().map(Route::pattern).distinct().toList();
    return Response.error(
        404, "there is nothing at " + path, "there is " + String.join(", ", paths));
  }
}
