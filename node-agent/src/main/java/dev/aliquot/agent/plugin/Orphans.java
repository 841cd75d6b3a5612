package dev.aliquot.agent.plugin;

import dev.aliquot.agent.PodTenants;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends tenants of containers that nobody else knows of any more: whoever lost the file of grants
 * would never release them. Only those that nobody uses, and that were so at two looks.
 */
final class Orphans implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Orphans.class);
  private static final Duration PERIOD = Duration.ofMinutes(1);

  private final Supplier<List<String>> ids;
  private final Predicate<String> inUse;
  private final Consumer<String> end;
  private final Supplier<Optional<Set<String>>> known;
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          task -> Thread.ofPlatform().daemon().name("aliquot-orphans").unstarted(task));
  private Set<String> before = Set.of();

  /**
   * @param ids of all tenants of containers
   * @param inUse whether processes use one
   * @param end ends one
   * @param known ids of the tenants that are somebody's; empty: that is not known
   */
  Orphans(
      Supplier<List<String>> ids,
      Predicate<String> inUse,
      Consumer<String> end,
      Supplier<Optional<Set<String>>> known) {
    this.ids = ids;
    this.inUse = inUse;
    this.end = end;
    this.known = known;
  }

  /** Looks every minute until it is closed. */
  static Orphans watch(PodTenants tenants, Supplier<Optional<Set<String>>> known) {
    Orphans orphans = new Orphans(tenants::ids, tenants::isInUse, tenants::end, known);
    var _ =
        orphans.thread.scheduleWithFixedDelay(
            orphans::look, PERIOD.toMillis(), PERIOD.toMillis(), TimeUnit.MILLISECONDS);
    return orphans;
  }

  void look() {
    try {
      Set<String> unknown = new HashSet<>(ids.get());
      Optional<Set<String>> somebodys = known.get();
      if (somebodys.isEmpty()) {
        return;
      }
      unknown.removeAll(somebodys.get());
      unknown.removeIf(inUse);
      for (String id : unknown) {
        if (before.contains(id)) {
          LOG.info("tenant {} is no container's any more", id);
          end.accept(id);
        }
      }
      before = unknown;
    } catch (RuntimeException e) {
      LOG.error("a look for tenants that are nobody's failed", e);
    }
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
