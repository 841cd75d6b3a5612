package dev.aliquot.agent.kubernetes;

import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * The pods of a node with those of their annotations that count. Thread-safe. A pod's annotations
 * may be 256 KiB, and a node has a few hundred pods: what does not count is not kept.
 */
final class KnownPods {
  /** Of the kubelet's copies of static pods: what their control groups are named by. */
  private static final String STATIC_UID = "kubernetes.io/config.hash";

  /** The pod is such a copy. */
  private static final String MIRROR = "kubernetes.io/config.mirror";

  /** Longer than what makes sense; cut there, it makes no sense either. */
  private static final int MOST_CHARACTERS = 1024;

  private static final int MOST_ANNOTATIONS = 256;

  private final Predicate<String> counts;
  private final Map<PodName, Known> pods = new HashMap<>();
  private boolean complete;

  /**
   * @param uid as the kubelet knows the pod
   */
  record Known(String uid, Map<String, String> annotations) {}

  /**
   * @param counts which annotations, by name
   */
  KnownPods(Predicate<String> counts) {
    this.counts = counts;
  }

  /** Takes a pod as it is now; whether what counts has changed, or it was not known. */
  synchronized boolean put(Pod pod) {
    Known now = known(pod);
    Known before = pods.put(name(pod), now);
    notifyAll();
    return !now.equals(before);
  }

  /** A pod is gone, unless another of its name has come. */
  synchronized void remove(Pod pod) {
    PodName name = name(pod);
    Known known = pods.get(name);
    if (known != null && known.uid().equals(known(pod).uid())) {
      pods.remove(name);
    }
  }

  /** Forgets all but these. */
  synchronized void retain(Set<PodName> names) {
    pods.keySet().retainAll(names);
  }

  /** Whether every pod of the node is known, and each change is heard of. */
  synchronized void complete(boolean now) {
    complete = now;
    notifyAll();
  }

  /**
   * A pod's, once it is known: whoever asks may have heard of it a moment earlier. Waits for it no
   * longer than the patience, and not at all while nothing is heard.
   *
   * @param name may be none, where only the uid is known
   * @param uid the pod's; empty: whichever has that name
   */
  synchronized Optional<Map<String, String>> annotations(
      PodName name, String uid, Duration patience) throws InterruptedException {
    long until = System.nanoTime() + patience.toNanos();
    while (true) {
      Optional<Known> known = find(name, uid);
      if (known.isPresent()) {
        return Optional.of(known.get().annotations());
      }
      long left = Duration.ofNanos(until - System.nanoTime()).toMillis();
      boolean hopeless = !complete || (uid.isEmpty() && !name.isPossible());
      if (hopeless || left <= 0) {
        return Optional.empty();
      }
      wait(left);
    }
  }

  private Optional<Known> find(PodName name, String uid) {
    return name.isPossible()
        ? Optional.ofNullable(pods.get(name))
            .filter(known -> uid.isEmpty() || uid.equals(known.uid()))
        : pods.values().stream()
            .filter(known -> !uid.isEmpty() && uid.equals(known.uid()))
            .findFirst();
  }

  static PodName name(Pod pod) {
    ObjectMeta meta = pod.getMetadata();
    return new PodName(String.valueOf(meta.getNamespace()), String.valueOf(meta.getName()));
  }

  private Known known(Pod pod) {
    Map<String, String> all = pod.getMetadata().getAnnotations();
    Map<String, String> counting = new TreeMap<>();
    String uid = String.valueOf(pod.getMetadata().getUid());
    if (all != null) {
      for (Map.Entry<String, String> each : all.entrySet()) {
        if (counts.test(each.getKey()) && counting.size() < MOST_ANNOTATIONS) {
          String value = String.valueOf(each.getValue());
          counting.put(
              each.getKey(), value.substring(0, Math.min(MOST_CHARACTERS, value.length())));
        }
      }
      uid = all.containsKey(MIRROR) ? all.getOrDefault(STATIC_UID, uid) : uid;
    }
    return new Known(uid, Map.copyOf(counting));
  }
}
