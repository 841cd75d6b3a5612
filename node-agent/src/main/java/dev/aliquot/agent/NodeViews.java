package dev.aliquot.agent;

import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.DeviceReading;
import dev.aliquot.agent.tenant.Tenant;
import dev.aliquot.agent.truth.GroundTruth;
import dev.aliquot.agent.view.DeviceView;
import dev.aliquot.agent.view.ProcessView;
import dev.aliquot.agent.view.TenantView;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** Views of devices and tenants as they are now. */
final class NodeViews {
  private NodeViews() {}

  static DeviceView device(Device device, GroundTruth truth) {
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
                        stranger.bytes()))
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
        strangers);
  }

  static List<TenantView> tenants(Collection<Tenant> tenants) {
    return tenants.stream()
        .flatMap(tenant -> tenant.views().stream())
        .sorted(
            Comparator.comparingInt(TenantView::deviceIndex)
                .thenComparing(TenantView::created)
                .thenComparing(TenantView::id))
        .toList();
  }
}
