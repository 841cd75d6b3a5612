package dev.aliquot.agent;

import dev.aliquot.agent.bypass.BypassWatch;
import dev.aliquot.agent.bypass.Event;
import dev.aliquot.agent.bypass.Finding;
import dev.aliquot.agent.bypass.Sighting;
import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.DeviceReading;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.agent.history.Gauge;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.agent.tenant.Residencies;
import dev.aliquot.agent.tenant.Tenant;
import dev.aliquot.agent.truth.GroundTruth;
import dev.aliquot.agent.view.BypassView;
import dev.aliquot.agent.view.DeviceView;
import dev.aliquot.agent.view.EventView;
import dev.aliquot.agent.view.ProcessView;
import dev.aliquot.agent.view.TenantView;
import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** Views of devices and tenants as they are now. */
final class NodeViews {
  /** A reading may take this long beyond its turn before it counts as silence. */
  private static final Duration SILENCE = Duration.ofSeconds(5);

  private NodeViews() {}

  /** Every device's figures, while its driver answers. */
  static List<Gauge> gauges(Inventory inventory, GroundTruth truth, Duration samplePeriod) {
    long mostNanos = samplePeriod.multipliedBy(2).plus(SILENCE).toNanos();
    return inventory.devices().stream()
        .map(
            device ->
                new Gauge(
                    device.uuid(),
                    () ->
                        truth.ageNanos(device) > mostNanos
                            ? null
                            : new Gauge.Level(
                                device.reading().usedBytes(),
                                device.reading().utilizationPercent())))
        .toList();
  }

  /**
   * A process of a tenant that has nothing of the device is shown with the strangers: no tenant's
   * view is there to show it.
   */
  static DeviceView device(
      Device device,
      GroundTruth truth,
      BypassWatch bypass,
      Residencies residencies,
      Collection<TenantView> tenants) {
    DeviceReading reading = device.reading();
    List<ProcessView> strangers =
        truth.strangers(device).stream()
            .map(
                stranger ->
                    new ProcessView(
                        stranger.pid(),
                        stranger.pid(),
                        stranger.command(),
                        device.uuid(),
                        0,
                        stranger.bytes(),
                        stranger.bytes(),
                        List.of()))
            .toList();
    Device.Health health = device.health();
    return new DeviceView(
        device.facts().index(),
        device.uuid(),
        device.facts().name(),
        device.facts().pciAddress(),
        device.facts().totalBytes(),
        device.facts().reservedBytes(),
        device.headroomBytes(),
        device.book().capacityBytes(),
        device.book().allocatedBytes(),
        device.book().loanBytes(),
        reading.usedBytes(),
        reading.utilizationPercent(),
        reading.memoryUtilizationPercent(),
        reading.temperatureCelsius(),
        reading.powerMilliwatts(),
        health.state(),
        health.reason(),
        device.verdict().state().label(),
        device.verdict().reason(),
        device.verdict().replace(),
        residencies.exchangesPerMinute(device),
        strangers,
        bypass.findings(device.uuid()).stream()
            .filter(
                finding ->
                    tenants.stream()
                        .noneMatch(
                            tenant ->
                                tenant.id().equals(finding.tenant())
                                    && tenant.device().equals(device.uuid())))
            .map(NodeViews::bypass)
            .toList());
  }

  static List<TenantView> tenants(Collection<Tenant> tenants, BypassWatch bypass) {
    return tenants.stream()
        .flatMap(tenant -> tenant.views().stream())
        .map(
            view ->
                view.withBypasses(
                    bypass.findings(view.device()).stream()
                        .filter(finding -> finding.tenant().equals(view.id()))
                        .map(NodeViews::bypass)
                        .toList()))
        .sorted(
            Comparator.comparingInt(TenantView::deviceIndex)
                .thenComparing(TenantView::created)
                .thenComparing(TenantView::id))
        .toList();
  }

  static List<EventView> events(List<Event> events) {
    return events.stream()
        .map(
            event ->
                new EventView(
                    event.time(),
                    event.what(),
                    event.finding().device(),
                    event.finding().tenant(),
                    event.finding().sighting().id().pid(),
                    event.finding().sighting().command(),
                    event.reason()))
        .toList();
  }

  private static BypassView bypass(Finding finding) {
    Sighting sighting = finding.sighting();
    TenantRecord tenant = sighting.tenant();
    return new BypassView(
        sighting.id().pid(),
        sighting.command(),
        finding.cgroup(),
        finding.device(),
        finding.tenant(),
        tenant == null || tenant.container().isEmpty()
            ? ""
            : tenant.namespace() + "/" + tenant.pod() + "/" + tenant.container(),
        sighting.kind().label(),
        sighting.bytes(),
        finding.since(),
        finding.action());
  }
}
