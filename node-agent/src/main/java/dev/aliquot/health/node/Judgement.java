package dev.aliquot.health.node;

import dev.aliquot.health.catalogue.FaultClass;
import dev.aliquot.health.device.DeviceState;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Puts the devices of a node together to what the cluster is told. */
public final class Judgement {
  private static final int MOST_TOLD = 8;
  private static final int MOST_TEXT = 160;

  private Judgement() {}

  /** What follows from how the devices stand; a node without devices is healthy. */
  public static NodeWish of(List<DeviceStanding> devices, NodePolicy policy) {
    List<DeviceStanding> out = devices.stream().filter(each -> !each.takesTenants()).toList();
    Grade grade =
        out.isEmpty()
            ? Grade.HEALTHY
            : out.size() < devices.size() ? Grade.DEGRADED : Grade.UNHEALTHY;
    boolean drill = out.stream().anyMatch(DeviceStanding::drill);
    return new NodeWish(
        grade,
        condition(devices, out),
        policy.taint() && grade == Grade.UNHEALTHY && !drill,
        repair(devices, policy),
        policy.evict()
            ? devices.stream()
                .filter(DeviceStanding::isLost)
                .map(DeviceStanding::uuid)
                .collect(Collectors.toUnmodifiableSet())
            : Set.of());
  }

  private static String repair(List<DeviceStanding> devices, NodePolicy policy) {
    Optional<FaultClass> gravest =
        devices.stream()
            .flatMap(device -> device.repair().stream())
            .filter(policy.repairs()::contains)
            .max(Comparator.naturalOrder());
    return gravest.map(HyperPod::request).orElse("");
  }

  private static NodeCondition condition(List<DeviceStanding> devices, List<DeviceStanding> out) {
    List<DeviceStanding> suspects =
        devices.stream().filter(each -> each.verdict().state() == DeviceState.SUSPECT).toList();
    if (!out.isEmpty()) {
      DeviceState worst =
          out.stream()
              .map(each -> each.verdict().state())
              .reduce(DeviceState.RECOVERING, (a, b) -> a.compareTo(b) > 0 ? a : b);
      return new NodeCondition(
          false,
          "Gpu" + word(worst),
          out.size()
              + " of "
              + devices.size()
              + " GPUs take no tenants: "
              + told(out)
              + (suspects.isEmpty() ? "" : "; suspect: " + told(suspects)));
    }
    return suspects.isEmpty()
        ? new NodeCondition(true, "AllGpusHealthy", "All GPUs take tenants.")
        : new NodeCondition(
            true, "GpuSuspect", "All GPUs take tenants. Suspect: " + told(suspects));
  }

  private static String word(DeviceState state) {
    return switch (state) {
      case HEALTHY -> "Healthy";
      case SUSPECT -> "Suspect";
      case RECOVERING -> "Recovering";
      case DRAINING -> "Draining";
      case NEEDS_RESET -> "NeedsReset";
      case NEEDS_REBOOT -> "NeedsReboot";
      case LOST -> "Lost";
    };
  }

  /** As many as fit a condition that people read. */
  private static String told(List<DeviceStanding> devices) {
    String told =
        devices.stream().limit(MOST_TOLD).map(Judgement::told).collect(Collectors.joining("; "));
    int more = devices.size() - MOST_TOLD;
    return more > 0 ? told + "; and " + more + " more" : told;
  }

  private static String told(DeviceStanding device) {
    String why = device.verdict().reason();
    return "GPU "
        + device.index()
        + " ("
        + device.uuid()
        + ") "
        + device.verdict().state().label()
        + (why.isEmpty() ? "" : ", " + shortened(why));
  }

  private static String shortened(String text) {
    return text.length() <= MOST_TEXT ? text : text.substring(0, MOST_TEXT - 3) + "...";
  }
}
