package dev.aliquot.agent.truth;

import dev.aliquot.agent.bypass.Sightings;
import dev.aliquot.agent.count.Counters;
import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.tenant.Settling;
import dev.aliquot.agent.tenant.Tenants;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The samplers of all devices. Thread-safe. */
public final class GroundTruth implements Settling, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(GroundTruth.class);
  private static final Duration TIMEOUT = Duration.ofSeconds(5);

  private final Map<Device, DeviceSampler> samplers = new LinkedHashMap<>();

  /** Reads every device once per period, from {@link #start} on. */
  public GroundTruth() {}

  /**
   * Begins. To be called once, before anyone settles.
   *
   * @param sightings told of each good reading
   * @param toleranceBytes what a process may hold beyond its report and a context
   */
  public void start(
      Inventory inventory,
      Tenants tenants,
      ProcFs proc,
      Counters counters,
      Duration period,
      Sightings sightings,
      long toleranceBytes) {
    Accounting accounting = new Accounting(tenants, proc, counters, sightings, toleranceBytes);
    for (Device device : inventory.devices()) {
      samplers.put(device, new DeviceSampler(device, accounting, counters, period, TIMEOUT));
    }
    samplers.values().forEach(DeviceSampler::start);
  }

  @Override
  public CompletionStage<Void> settle(Device device) {
    DeviceSampler sampler = samplers.get(device);
    return sampler == null
        ? CompletableFuture.failedFuture(new IllegalArgumentException(device.uuid()))
        : sampler.request();
  }

  /** Waits until every device has been read once more; false when one did not answer. */
  public boolean readAll() {
    List<CompletableFuture<Void>> all =
        samplers.values().stream().map(DeviceSampler::request).toList();
    boolean answered = true;
    for (CompletableFuture<Void> each : all) {
      answered &= each.handle((ignored, failure) -> failure == null).join();
    }
    return answered;
  }

  /** Whether there are devices and every one has been read or has failed at least once. */
  public boolean hasRead() {
    return !samplers.isEmpty() && samplers.values().stream().allMatch(DeviceSampler::hasRead);
  }

  /** When the device that was read longest ago was read last; the beginning of time before that. */
  public Instant lastRead(InstantSource clock) {
    long ageNanos = samplers.values().stream().mapToLong(DeviceSampler::ageNanos).max().orElse(0);
    return ageNanos == Long.MAX_VALUE ? Instant.EPOCH : clock.instant().minusNanos(ageNanos);
  }

  /** Since the device's last good reading; {@link Long#MAX_VALUE} before the first. */
  public long ageNanos(Device device) {
    DeviceSampler sampler = samplers.get(device);
    return sampler == null ? Long.MAX_VALUE : sampler.ageNanos();
  }

  /** Processes on the device that are no tenant's, as last read. */
  public List<Stranger> strangers(Device device) {
    DeviceSampler sampler = samplers.get(device);
    return sampler == null ? List.of() : sampler.strangers();
  }

  /** To be called regularly: notices drivers that have fallen silent. */
  public void checkSilence() {
    samplers.values().forEach(sampler -> sampler.checkSilence(System.nanoTime()));
  }

  /** Whether every thread has left the driver. */
  public boolean stop() {
    samplers.values().forEach(DeviceSampler::close);
    boolean left = true;
    for (DeviceSampler sampler : samplers.values()) {
      if (!sampler.join(Duration.ofSeconds(2))) {
        LOG.warn(
            "device {} is still being read: its driver does not answer", sampler.device().uuid());
        left = false;
      }
    }
    return left;
  }

  @Override
  public void close() {
    stop();
  }
}
