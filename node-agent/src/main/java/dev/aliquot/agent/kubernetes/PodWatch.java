package dev.aliquot.agent.kubernetes;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodList;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.Watch;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows the annotations of the node's pods, and tells their owners what is wrong with them, on
 * threads of its own: an API server that is away keeps nobody waiting. Thread-safe.
 */
public final class PodWatch implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(PodWatch.class);
  private static final Duration PATIENCE = Duration.ofSeconds(2);
  private static final Duration LEAST_PAUSE = Duration.ofSeconds(1);
  private static final Duration MOST_PAUSE = Duration.ofMinutes(1);
  private static final Duration TELLING = Duration.ofSeconds(1);
  private static final String REASON = "GpuAnnotations";

  private final Supplier<NodeApi> opener;
  private final InstantSource clock;
  private final KnownPods pods;
  private final Notices notices = new Notices();
  private final Thread watching;
  private final Thread telling;
  private volatile BiConsumer<String, String> changed = (namespace, pod) -> {};
  private volatile String problem = "the API server has not answered yet";
  private volatile @Nullable NodeApi api;
  private volatile boolean closed;

  private PodWatch(Supplier<NodeApi> opener, String prefix, InstantSource clock) {
    this.opener = opener;
    this.clock = clock;
    this.pods =
        new KnownPods(
            name ->
                name.startsWith(prefix + "/")
                    || name.startsWith("gpu-")
                    || name.startsWith("nvidia.com/container."));
    this.watching = Thread.ofPlatform().daemon().name("aliquot-pods").unstarted(this::watch);
    this.telling = Thread.ofPlatform().daemon().name("aliquot-pod-events").unstarted(this::tell);
  }

  /**
   * Begins, with the cluster that this process's service account or kubeconfig is of.
   *
   * @param node its name in the cluster
   * @param prefix of the annotations that count, beside those of others
   */
  public static PodWatch start(String node, String prefix, InstantSource clock) {
    return start(() -> NodeApi.open(node, new ApiClock(clock, System::nanoTime)), prefix, clock);
  }

  static PodWatch start(Supplier<NodeApi> opener, String prefix, InstantSource clock) {
    PodWatch watch = new PodWatch(opener, prefix, clock);
    watch.watching.start();
    watch.telling.start();
    return watch;
  }

  /** Calls back with namespace and name when what counts of a pod is known, or has changed. */
  public void whenChanged(BiConsumer<String, String> callback) {
    changed = callback;
  }

  /** Why pods' annotations are not known, a sentence; empty where they are. */
  public String problem() {
    return problem;
  }

  /**
   * What counts of a pod's annotations; empty where they are not known. Where the server is heard
   * of, waits for a moment for a pod that is not known yet.
   *
   * @param uid as the kubelet knows it; empty: whichever has that name
   * @param patience none on a thread that is told of changes: it would wait for itself
   */
  public Optional<Map<String, String>> annotations(
      String namespace, String pod, String uid, Duration patience) {
    try {
      return pods.annotations(new PodName(namespace, pod), uid, patience);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  /** Says so in an Event of the pod, once in a while. Does not wait. */
  public void complain(String namespace, String pod, List<String> sentences) {
    PodName name = new PodName(namespace, pod);
    if (name.isPossible()) {
      Notice notice =
          new Notice(Optional.of(name), REASON, String.join("; ", sentences), true, true);
      synchronized (notices) {
        notices.add(notice, 1, clock.instant());
      }
    }
  }

  private void watch() {
    try (NodeApi opened = opener.get()) {
      api = opened;
      Duration pause = LEAST_PAUSE;
      while (!closed) {
        long start = System.nanoTime();
        try {
          follow(opened);
        } catch (RuntimeException e) {
          failed(e);
        }
        pods.complete(false);
        boolean lasted = System.nanoTime() - start > MOST_PAUSE.toNanos();
        pause = lasted || problem.isEmpty() ? LEAST_PAUSE : longer(pause);
        Thread.sleep(pause);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      problem = "the client of the cluster cannot be made: " + e.getMessage();
      LOG.error(problem, e);
    }
  }

  private void failed(RuntimeException e) {
    String now = "the node's pods cannot be read from the API server: " + e.getMessage();
    if (problem.isEmpty()) {
      LOG.warn("{}; containers get what their resource says until it answers", now);
    }
    problem = now;
  }

  private static Duration longer(Duration pause) {
    Duration twice = pause.multipliedBy(2);
    return twice.compareTo(MOST_PAUSE) > 0 ? MOST_PAUSE : twice;
  }

  /** Reads all pods, then hears of changes until the server ends it. */
  private void follow(NodeApi opened) throws InterruptedException {
    Set<PodName> there = new HashSet<>();
    String version = null;
    String more = null;
    do {
      PodList page = opened.pods(more);
      for (Pod pod : page.getItems()) {
        there.add(KnownPods.name(pod));
        put(opened, pod);
      }
      version = page.getMetadata() == null ? null : page.getMetadata().getResourceVersion();
      more = page.getMetadata() == null ? null : page.getMetadata().getContinue();
    } while (more != null && !more.isEmpty());
    pods.retain(there);
    CountDownLatch ended = new CountDownLatch(1);
    try (Watch _ =
        opened.watchPods(version == null ? "0" : version, new Listening(opened, ended))) {
      problem = "";
      pods.complete(true);
      ended.await();
    }
  }

  private void put(NodeApi opened, Pod pod) {
    if (EventWriter.isOn(pod, opened.nodeName()) && pods.put(pod)) {
      PodName name = KnownPods.name(pod);
      try {
        changed.accept(name.namespace(), name.name());
      } catch (RuntimeException e) {
        LOG.error(
            "the annotations of {}/{} could not be followed", name.namespace(), name.name(), e);
      }
    }
  }

  private final class Listening implements Watcher<Pod> {
    private final NodeApi opened;
    private final CountDownLatch ended;

    Listening(NodeApi opened, CountDownLatch ended) {
      this.opened = opened;
      this.ended = ended;
    }

    @Override
    public void eventReceived(Action action, Pod pod) {
      switch (action) {
        case ADDED, MODIFIED -> put(opened, pod);
        case DELETED -> pods.remove(pod);
        case ERROR -> ended.countDown();
        case BOOKMARK -> {}
      }
    }

    @Override
    public void onClose() {
      ended.countDown();
    }

    @Override
    public void onClose(WatcherException cause) {
      ended.countDown();
    }
  }

  private void tell() {
    try {
      while (!closed) {
        Thread.sleep(TELLING);
        NodeApi opened = api;
        if (opened != null && problem.isEmpty()) {
          tell(opened);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void tell(NodeApi opened) {
    EventWriter writer = new EventWriter(opened);
    List<Notices.Waiting> due;
    synchronized (notices) {
      due = notices.due(System.nanoTime());
    }
    for (Notices.Waiting each : due) {
      try {
        var _ = writer.write(each, each.notice().pod().orElseThrow());
      } catch (KubernetesClientException e) {
        LOG.warn("an Event could not be written: {}", e.getMessage());
        if (e.getCode() == 0 || e.getCode() >= 500) {
          return;
        }
      }
      synchronized (notices) {
        notices.done(each.notice().subject(), System.nanoTime());
      }
    }
  }

  @Override
  public void close() {
    closed = true;
    watching.interrupt();
    telling.interrupt();
    try {
      boolean _ = watching.join(PATIENCE) && telling.join(PATIENCE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
