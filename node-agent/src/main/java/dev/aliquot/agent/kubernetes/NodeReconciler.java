package dev.aliquot.agent.kubernetes;

import dev.aliquot.agent.config.KubernetesMode;
import dev.aliquot.agent.view.FaultView;
import dev.aliquot.agent.view.KubernetesView;
import dev.aliquot.health.node.Damper;
import dev.aliquot.health.node.DeviceStanding;
import dev.aliquot.health.node.HyperPod;
import dev.aliquot.health.node.Judgement;
import dev.aliquot.health.node.NodeCondition;
import dev.aliquot.health.node.NodeWish;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the cluster's picture of the node what it should be. It compares what is wanted now with
 * what is there now, and keeps no list of changes: after a time without the API server it writes
 * the latest state and nothing else. Only Events wait, a bounded number of them.
 *
 * <p>First it tells (condition, label), then it {@link NodeActs acts}. One thread calls {@link
 * #pass}; the view is anybody's.
 */
final class NodeReconciler {
  private static final Logger LOG = LoggerFactory.getLogger(NodeReconciler.class);

  /** How long others may have changed the node before it is looked at. */
  static final Duration RESYNC = Duration.ofMinutes(1);

  /** How often the condition says that somebody still watches. */
  static final Duration HEARTBEAT = Duration.ofMinutes(5);

  private static final Duration FIRST_RETRY = Duration.ofSeconds(1);
  static final Duration LAST_RETRY = Duration.ofMinutes(1);

  private final KubernetesOptions options;
  private final NodeApi api;
  private final Supplier<List<DeviceStanding>> devices;
  private final Supplier<List<FaultView>> faults;
  private final ApiClock clock;
  private final LongSupplier nanos;
  private final Damper damper;
  private final Notices notices = new Notices();
  private final FaultNews news;
  private final EventWriter events;
  private final Changes changes;
  private final NodeActs acts;

  /** What was wanted when last looked. */
  private @Nullable NodeWish wanted;

  /** Whether the cluster shows what is wanted, all of it. */
  private boolean done;

  private boolean reached = true;
  private long syncedNanos;
  private long heartbeatNanos;
  private long retryNanos;
  private Duration retry = Duration.ZERO;
  private String hyperPod = "";
  private volatile KubernetesView view;

  /**
   * @param devices how they stand now
   * @param faults those that are remembered
   * @param pods which had something on a device, by UUID
   * @param nanos a clock that never jumps
   */
  NodeReconciler(
      KubernetesOptions options,
      NodeApi api,
      Supplier<List<DeviceStanding>> devices,
      Supplier<List<FaultView>> faults,
      Function<String, Set<PodName>> pods,
      ApiClock clock,
      LongSupplier nanos) {
    this.options = options;
    this.damper = new Damper(options.pace().damping());
    this.api = api;
    this.devices = devices;
    this.faults = faults;
    this.clock = clock;
    this.nanos = nanos;
    this.news = new FaultNews(faults.get());
    this.events = new EventWriter(api);
    this.changes = new Changes(options.mode() == KubernetesMode.DRY_RUN);
    this.acts = new NodeActs(options, api, pods, clock, notices, changes, nanos);
    this.heartbeatNanos = nanos.getAsLong() - HEARTBEAT.toNanos();
    this.view = newView();
  }

  /** As of the latest pass. */
  KubernetesView view() {
    return view;
  }

  /** To be called about once a second. Most calls find nothing to do, and ask nobody. */
  void pass() {
    long now = nanos.getAsLong();
    List<DeviceStanding> standings = devices.get();
    NodeWish wish = damper.settle(Judgement.of(standings, options.policy()), now);
    boolean changed = !wish.equals(wanted);
    takeNews(standings, wish);
    wanted = wish;
    boolean told = !notices.due(now).isEmpty();
    boolean due = changed || told || !done || now - syncedNanos >= RESYNC.toNanos();
    boolean waits = !retry.isZero() && now - retryNanos < 0;
    if (due && (!waits || (reached && (changed || told)))) {
      sync(wish, now);
    }
    view = newView();
  }

  private void takeNews(List<DeviceStanding> standings, NodeWish wish) {
    Instant when = clock.now();
    news.take(
        faults.get(),
        (fault, more) -> {
          String device = name(standings, fault.device());
          notices.add(Notice.ofNode(fault, device), more, when);
          Notice.ofPod(fault, device).ifPresent(notice -> notices.add(notice, more, when));
        });
    NodeCondition condition = wish.condition();
    NodeWish before = wanted;
    boolean isNews =
        before == null
            ? !condition.healthy()
            : !before.condition().reason().equals(condition.reason());
    if (isNews) {
      notices.add(Notice.of(condition), 1, when);
    }
    if (!wish.equals(before)) {
      changes.forgetSaid();
    }
  }

  private static String name(List<DeviceStanding> standings, String uuid) {
    return standings.stream()
        .filter(each -> each.uuid().equals(uuid))
        .map(each -> "GPU " + each.index() + " (" + uuid + ")")
        .findFirst()
        .orElse(uuid.isEmpty() ? "A GPU" : "GPU " + uuid);
  }

  private void sync(NodeWish wish, long now) {
    changes.begin();
    try {
      Optional<Node> node = changes.ask("read the node " + api.nodeName(), api::node);
      if (node.isPresent()) {
        acts.act(tell(node.get(), wish, now), wish);
        writeEvents(node.get(), now);
        syncedNanos = now;
      } else if (changes.problem().isEmpty()) {
        changes.postpone(
            "the cluster has no node "
                + api.nodeName()
                + ": set node-name to the name that it has there");
      }
      reached = true;
    } catch (KubernetesClientException e) {
      reached = false; // why is the changes' problem
    }
    settle(now);
  }

  private void settle(long now) {
    String before = view.problem();
    String problem = changes.problem();
    done = problem.isEmpty();
    if (done) {
      retry = Duration.ZERO;
    } else {
      Duration next = retry.isZero() ? FIRST_RETRY : retry.multipliedBy(2);
      retry = next.compareTo(LAST_RETRY) > 0 ? LAST_RETRY : next;
      retryNanos = now + retry.toNanos();
    }
    if (!problem.equals(before)) {
      if (done) {
        LOG.info("the cluster knows all of the node's faults again");
      } else {
        LOG.warn("the cluster does not show the node as it should: {}", problem);
      }
    }
  }

  /** Condition and label; answers the node as it is then. */
  private Node tell(Node node, NodeWish wish, long now) {
    String says = NodeParts.label(node, HyperPod.LABEL);
    hyperPod = HyperPod.isTaken(says) ? says : "";
    NodeCondition condition = withHyperPod(wish.condition());
    Optional<NodeParts.Shown> shown = NodeParts.condition(node);
    boolean differs = shown.filter(each -> each.condition().equals(condition)).isEmpty();
    Node latest = node;
    if (differs || (!changes.isDryRun() && now - heartbeatNanos >= HEARTBEAT.toNanos())) {
      String what =
          "set the condition %s=%s (%s): %s"
              .formatted(
                  NodeCondition.TYPE, condition.status(), condition.reason(), condition.message());
      Optional<Node> patched =
          changes.make(
              what, () -> api.patchStatus(NodeParts.statusPatch(condition, shown, clock.now())));
      heartbeatNanos = patched.isPresent() ? now : heartbeatNanos;
      latest = patched.orElse(node);
    }
    String grade = wish.grade().label();
    return NodeParts.label(node, NodeParts.HEALTH_LABEL).equals(grade)
        ? latest
        : changes
            .make(
                "label the node " + NodeParts.HEALTH_LABEL + "=" + grade,
                () -> api.patch(NodeParts.labelPatch(NodeParts.HEALTH_LABEL, grade)))
            .orElse(latest);
  }

  private NodeCondition withHyperPod(NodeCondition condition) {
    return hyperPod.isEmpty()
        ? condition
        : new NodeCondition(
            condition.healthy(),
            condition.reason(),
            condition.message() + " HyperPod says " + hyperPod + ".");
  }

  private void writeEvents(Node node, long now) {
    for (Notices.Waiting waiting : notices.due(now)) {
      Notice notice = waiting.notice();
      String about = notice.pod().map(pod -> "pod " + pod).orElse("the node");
      String what = "write the Event " + notice.reason() + " of " + about;
      Optional<Event> _ =
          changes.isDryRun()
              ? changes.make(what, Event::new)
              : changes.ask(what, () -> events.write(waiting, node));
      notices.done(notice.subject(), now);
    }
  }

  private KubernetesView newView() {
    return new KubernetesView(
        options.mode().name().toLowerCase(Locale.ROOT).replace('_', '-'),
        changes.problem(),
        changes.undone() + notices.size(),
        changes.failures(),
        acts.refusal(),
        hyperPod,
        notices.dropped(),
        changes.wouldDo());
  }
}
