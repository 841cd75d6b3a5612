package dev.aliquot.agent.plugin;

import dev.aliquot.agent.PodTenants;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
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

  private final PodTenants tenants;
  private final Supplier<Optional<Set<String>>> known;
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          task -> Thread.ofPlatform().daemon().name("aliquot-orphans").unstarted(task));
  private Set<String> before = Set.of();

  Orphans(PodTenants tenants, Supplier<Optional<Set<String>>> known) {
    this.tenants = tenants;
    this.known = known;
  }

  /**
   * @param known ids of the tenants that are somebody's; empty: that is not known
   */
  static Orphans watch(PodTenants tenants, Supplier<Optional<Set<String>>> known) {
    Orphans orphans = new Orphans(tenants, known);
    var _ =
        orphans.thread.scheduleWithFixedDelay(
            orphans::look, PERIOD.toMillis(), PERIOD.toMillis(), TimeUnit.MILLISECONDS);
    return orphans;
  }

  void look() {
    try {
      Set<String> ids = new HashSet<>(tenants.ids());
      Optional<Set<String>> somebodys = known.get();
      if (somebodys.isEmpty()) {
        return;
      }
      ids.removeAll(somebodys.get());
      ids.removeIf(tenants::isInUse);
      for (String id : ids) {
        if (before.contains(id)) {
          LOG.info("tenant {} is no container's any more", id);
          tenants.end(id);
        }
      }
      before = ids;
    } catch (RuntimeException e) {
      LOG.error("a look for tenants that are nobody's failed", e);
    }
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
