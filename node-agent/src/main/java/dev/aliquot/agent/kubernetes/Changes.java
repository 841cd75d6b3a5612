package dev.aliquot.agent.kubernetes;

import io.fabric8.kubernetes.client.KubernetesClientException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes changes to the cluster, or only says them in a dry run. One that fails does not keep the
 * others from being made, unless the server is not there at all. Not thread-safe.
 */
final class Changes {
  private static final Logger LOG = LoggerFactory.getLogger(Changes.class);

  private static final int MOST_SAID = 1000;

  private final boolean dryRun;
  private final Set<String> said = new HashSet<>();
  private final List<String> wouldDo = new ArrayList<>();
  private String problem = "";
  private int undone;
  private long failures;

  Changes(boolean dryRun) {
    this.dryRun = dryRun;
  }

  /** A new look at everything. */
  void begin() {
    wouldDo.clear();
    problem = "";
    undone = 0;
  }

  /**
   * Makes a change.
   *
   * @param what as a sentence goes on that says what is done: "taint the node"
   * @return what it answers; empty where it failed, or in a dry run
   * @throws KubernetesClientException when the server cannot be reached
   */
  <T> Optional<T> make(String what, Supplier<T> change) {
    if (dryRun) {
      wouldDo.add(what);
      if (isNew(what)) {
        LOG.info("dry run: would {}", what);
      }
      return Optional.empty();
    }
    Optional<T> made = ask(what, () -> Optional.of(change.get()));
    if (made.isPresent() && isNew(what)) {
      LOG.info("to Kubernetes: {}", what);
    }
    return made;
  }

  private boolean isNew(String what) {
    if (said.size() >= MOST_SAID) {
      said.clear();
    }
    return said.add(what);
  }

  /**
   * Asks for something, in a dry run, too.
   *
   * @return the answer; empty where there is none, or it failed
   * @throws KubernetesClientException when the server cannot be reached
   */
  <T> Optional<T> ask(String what, Supplier<Optional<T>> question) {
    try {
      return question.get();
    } catch (KubernetesClientException e) {
      failures++;
      postpone("could not " + what + ": " + reason(e));
      if (isUnreachable(e)) {
        throw e;
      }
      return Optional.empty();
    }
  }

  /** Something cannot be done now, and is to be tried again. */
  void postpone(String why) {
    undone++;
    problem = problem.isEmpty() ? why : problem;
  }

  /** Without an answer there is no status, and fabric8 has a code that is none. */
  private static boolean isUnreachable(KubernetesClientException e) {
    return e.getCode() <= 0 || e.getCode() == 429 || e.getCode() >= 500;
  }

  private static String reason(KubernetesClientException e) {
    if (e.getCode() > 0) {
      return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
    }
    Throwable root = e;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return "the API server does not answer (" + root + ")";
  }

  boolean isDryRun() {
    return dryRun;
  }

  /** What is wanted has changed: what was said is said again. */
  void forgetSaid() {
    said.clear();
  }

  List<String> wouldDo() {
    return List.copyOf(wouldDo);
  }

  /** Why not all is done, a sentence; empty when all is. */
  String problem() {
    return problem;
  }

  int undone() {
    return undone;
  }

  long failures() {
    return failures;
  }
}
