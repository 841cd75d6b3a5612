package dev.aliquot.agent;

import dev.aliquot.agent.device.Inventory;
import dev.aliquot.agent.history.History;
import dev.aliquot.agent.tenant.Tenants;
import dev.aliquot.agent.truth.GroundTruth;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks at tenants and drivers regularly, on a thread of its own. */
final class Ticker implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Ticker.class);
  private static final Duration PERIOD = Duration.ofMillis(500);

  private final Tenants tenants;
  private final GroundTruth truth;
  private final List<Promotion> promotions;
  private final Lender lender;
  private final Evacuation evacuation;
  private final History history;
  private final ScheduledExecutorService ticker =
      Executors.newSingleThreadScheduledExecutor(
          task -> Thread.ofPlatform().daemon().name("aliquot-ticker").unstarted(task));

  Ticker(
      Tenants tenants,
      GroundTruth truth,
      Inventory inventory,
      Lender lender,
      Evacuation evacuation,
      History history) {
    this.history = history;
    this.evacuation = evacuation;
    this.lender = lender;
    this.tenants = tenants;
    this.truth = truth;
    this.promotions =
        inventory.devices().stream().map(device -> new Promotion(device.book())).toList();
    var _ =
        ticker.scheduleWithFixedDelay(
            this::tick, PERIOD.toMillis(), PERIOD.toMillis(), TimeUnit.MILLISECONDS);
  }

  @Override
  public void close() {
    ticker.shutdown();
  }

  private void tick() {
    try {
      lender.tick();
      promotions.forEach(promotion -> promotion.tick(System.nanoTime()));
    } catch (RuntimeException e) {
      LOG.error("a regular look at what is lent failed", e);
    }
    try {
      evacuation.tick(System.nanoTime());
    } catch (RuntimeException e) {
      LOG.error("a regular look at devices that are out failed", e);
    }
    try {
      tenants.tick();
      truth.checkSilence();
    } catch (RuntimeException e) {
      LOG.error("a regular look at the node failed", e);
    }
    try {
      history.tick();
    } catch (RuntimeException e) {
      LOG.error("a regular look for the history failed", e);
    }
  }
}
