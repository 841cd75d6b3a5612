package dev.aliquot.agent.plugin;

import dev.aliquot.agent.Agent;
import dev.aliquot.agent.AgentException;
import dev.aliquot.agent.config.PlacementPolicy;
import dev.aliquot.agent.kubernetes.PodWatch;
import dev.aliquot.agent.view.KubeletView;
import dev.aliquot.linux.Identity;
import dev.aliquot.plugin.Plugin;
import dev.aliquot.plugin.PluginOptions;
import dev.aliquot.plugin.PluginView;
import dev.aliquot.plugin.count.AllocateTimes;
import dev.aliquot.plugin.kubelet.Way;
import dev.aliquot.plugin.ledger.KeptGrant;
import dev.aliquot.plugin.node.PodContainer;
import dev.aliquot.plugin.placement.Placement;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Serves the kubelet for an agent, until it is closed. A kubelet that is not there ends nothing and
 * keeps nobody from using the agent otherwise. Thread-safe.
 */
public final class PodService implements AutoCloseable {
  /** A kubelet that is started again is back by then. */
  private static final Duration BLINK = Duration.ofSeconds(15);

  private final Plugin plugin;
  private final Orphans orphans;
  private final @Nullable PodWatch annotations;

  private PodService(Plugin plugin, Orphans orphans, @Nullable PodWatch annotations) {
    this.plugin = plugin;
    this.orphans = orphans;
    this.annotations = annotations;
  }

  /**
   * Starts.
   *
   * @param node its name in the cluster
   * @throws AgentException UNAVAILABLE or INVALID, with the reason why not
   */
  public static PodService start(PodOptions options, Agent agent, String node)
      throws AgentException {
    if (Identity.effectiveUserId() != 0) {
      throw new AgentException(
          AgentException.Kind.INVALID,
          "device-plugin is on, and this agent is not root's: containers' processes could not reach"
              + " their tenants' folders; run it as root");
    }
    PodWatch watch =
        options.annotations()
            ? PodWatch.start(node, options.annotationPrefix(), InstantSource.system())
            : null;
    boolean started = false;
    try {
      PodService service = start(plugin(options, agent), agent, options, watch);
      started = true;
      return service;
    } catch (IOException e) {
      throw new AgentException(
          AgentException.Kind.UNAVAILABLE,
          "what containers have mounted cannot be made: " + e.getMessage(),
          e);
    } catch (IllegalArgumentException e) {
      throw new AgentException(AgentException.Kind.INVALID, String.valueOf(e.getMessage()), e);
    } finally {
      if (!started && watch != null) {
        watch.close();
      }
    }
  }

  /**
   * With times of its own.
   *
   * @param watch of pods' annotations; null: they are not read
   * @throws IOException when what containers have mounted cannot be made
   */
  public static PodService start(
      PluginOptions plugin, Agent agent, PodOptions options, @Nullable PodWatch watch)
      throws IOException {
    AnnotationSource annotations =
        watch == null ? AnnotationSource.NONE : new ClusterAnnotations(watch);
    PodNode node = PodNode.of(agent, options.way(), options.annotationPrefix(), annotations);
    Plugin served = Plugin.start(plugin, node, System::nanoTime);
    return new PodService(served, Orphans.watch(agent.pods(), () -> keys(served)), watch);
  }

  private static PluginOptions plugin(PodOptions options, Agent agent) {
    return PluginOptions.of(
        options.kubelet(),
        options.resource(),
        options.placement() == PlacementPolicy.PACK ? Placement.PACK : Placement.SPREAD,
        stateFile(agent));
  }

  /** Where the plugin keeps who has what. */
  public static Path stateFile(Agent agent) {
    return agent.places().state().resolve("kubelet-grants.json");
  }

  /** How it stands. At once. */
  public KubeletView view() {
    PluginView view = plugin.view();
    Way way = view.registration().way();
    AllocateTimes times = view.figures().allocateTimes();
    List<KubeletView.Bucket> buckets = new ArrayList<>();
    long calls = 0;
    for (int i = 0; i < times.counts().size(); i++) {
      calls += times.counts().get(i);
      if (i < AllocateTimes.BOUNDS.size()) {
        buckets.add(new KubeletView.Bucket(seconds(AllocateTimes.BOUNDS.get(i)), calls));
      }
    }
    return new KubeletView(
        view.resource(),
        way != null,
        way == null ? "" : way.shown(),
        problems(view, annotations == null ? "" : annotations.problem()),
        view.grants().stream().map(PodService::grant).toList(),
        named(view.figures().counts()),
        named(view.figures().waits()),
        buckets,
        calls,
        seconds(times.sum()),
        seconds(times.longest()));
  }

  @Override
  public void close() {
    orphans.close();
    plugin.close();
    if (annotations != null) {
      annotations.close();
    }
  }

  private static Optional<Set<String>> keys(Plugin plugin) {
    PluginView view = plugin.view();
    return view.podsTrouble().isEmpty()
        ? Optional.of(
            view.grants().stream().map(kept -> kept.grant().key()).collect(Collectors.toSet()))
        : Optional.empty();
  }

  private static List<String> problems(PluginView view, String ofAnnotations) {
    List<String> problems = new ArrayList<>();
    if (view.registration().way() == null && view.registration().since().compareTo(BLINK) > 0) {
      String why = view.registration().lastError();
      problems.add(
          "the kubelet does not know of "
              + view.resource()
              + (why.isEmpty() ? "" : ": " + why)
              + "; check that it runs, and kubelet-dir");
    }
    if (!view.podsTrouble().isEmpty()) {
      problems.add(view.podsTrouble());
    }
    if (!view.stateTrouble().isEmpty()) {
      problems.add("who has what cannot be written down: " + view.stateTrouble());
    }
    if (!ofAnnotations.isEmpty()) {
      problems.add(ofAnnotations);
    }
    return problems;
  }

  private static KubeletView.GrantView grant(KeptGrant kept) {
    PodContainer holder = kept.holder();
    return new KubeletView.GrantView(
        kept.grant().key(),
        kept.grant().devices(),
        kept.grant().unitsPerDevice(),
        holder == null ? "" : holder.namespace() + "/" + holder.pod() + "/" + holder.container());
  }

  private static Map<String, Long> named(Map<? extends Enum<?>, Long> counts) {
    Map<String, Long> named = new TreeMap<>();
    counts.forEach(
        (what, count) -> named.put(what.name().toLowerCase(Locale.ROOT).replace('_', '-'), count));
    return named;
  }

  private static double seconds(Duration duration) {
    return duration.toNanos() / 1e9;
  }
}
