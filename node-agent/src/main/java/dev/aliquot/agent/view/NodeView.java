package dev.aliquot.agent.view;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The whole node at one moment.
 *
 * @param node the node's name
 * @param version Aliquot's version
 * @param driverVersion NVIDIA driver (or the simulator's)
 * @param cudaVersion as 13.0
 * @param simulated whether the devices are a simulated node's
 * @param started when this agent began
 * @param sampled when ground truth was last read
 * @param ready whether tenants can be served
 * @param readyReason why not, or empty
 * @param devices every device
 * @param tenants every tenant, by device
 * @param events what was lately done to processes, the latest last
 * @param hostPool host memory for lent data
 * @param health how faults are watched for, and the latest of them
 * @param kubelet what the kubelet has of the devices; null: they are not offered to one
 */
public record NodeView(
    String node,
    String version,
    String driverVersion,
    String cudaVersion,
    boolean simulated,
    Instant started,
    Instant sampled,
    boolean ready,
    String readyReason,
    List<DeviceView> devices,
    List<TenantView> tenants,
    List<EventView> events,
    HostPoolView hostPool,
    HealthView health,
    @Nullable KubeletView kubelet) {

  /** The same with what the kubelet has. */
  public NodeView with(@Nullable KubeletView newKubelet) {
    return new NodeView(
        node,
        version,
        driverVersion,
        cudaVersion,
        simulated,
        started,
        sampled,
        ready,
        readyReason,
        devices,
        tenants,
        events,
        hostPool,
        health,
        newKubelet);
  }
}
