package dev.aliquot.agent.config;

import dev.aliquot.health.catalogue.Catalogue;
import dev.aliquot.health.catalogue.FaultClass;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** Faults: where they are read, what they mean, whom they are told. */
final class HealthKeys {
  static final ConfigKey<Path> KERNEL_LOG =
      ConfigKey.derived(
          "kernel-log",
          ConfigTypes.path(),
          "an absolute path",
          "/dev/kmsg, or the simulated node's",
          "Where the kernel log is read: the device, or a file of such records or of plain lines.");
  static final ConfigKey<String> HEALTH_PROFILE =
      ConfigKey.fixed(
          "health-profile",
          ConfigTypes.text(
              "profile", String.join("|", Catalogue.profiles()), "nvidia, eks or hyperpod"),
          "nvidia, eks or hyperpod",
          "nvidia",
          "Whose view counts of what an XID asks for, where platforms disagree.");
  static final ConfigKey<Path> HEALTH_CATALOGUE =
      ConfigKey.derived(
          "health-catalogue",
          ConfigTypes.path(),
          "an absolute path",
          "none",
          "A YAML file with rows of the table of XIDs that are other here.");
  static final ConfigKey<Duration> HEALTH_HOLD =
      ConfigKey.fixed(
          "health-hold",
          ConfigTypes.bounded(
              "duration",
              Durations::parse,
              Duration.ofSeconds(1),
              Duration.ofHours(1),
              "a duration from 1s to 1h such as 30s"),
          "a duration from 1s to 1h",
          "30s",
          "How long nothing may be wrong with a device that was out before it is trusted again;"
              + " longer each time that it was out within an hour.");
  static final ConfigKey<OutPolicy> HEALTH_TENANTS =
      ConfigKey.fixed(
          "health-tenants",
          ConfigTypes.choice(OutPolicy.class),
          "keep, save or stop",
          "keep",
          "What becomes of the tenants of a device that is out: they run on; those that may be swapped"
              + " out leave it, with their contexts, until they need it again; or their processes are"
              + " ended, unless the device is only to be drained.");
  static final ConfigKey<Double> HEALTH_DEVICE_BREAKER =
      ConfigKey.fixed(
          "health-device-breaker",
          ConfigTypes.bounded(
              "percentage", Percent::parse, 0d, 100d, "a percentage from 0 to 100 such as 50"),
          "a percentage from 0 to 100",
          "50",
          "Part of the node's devices that faults read from the kernel log or from events may take out"
              + " at once; at least one may. What the driver itself says of a device is not held back.");
  static final ConfigKey<Integer> EXPECTED_DEVICES =
      ConfigKey.fixed(
          "expected-devices",
          ConfigTypes.bounded("number", Integer::parseInt, 0, 64, "a number from 0 to 64"),
          "a number from 0 to 64; 0: not checked",
          "0",
          "How many devices the node has; fewer is told as a degradation.");
  static final ConfigKey<KubernetesMode> HEALTH_KUBERNETES =
      ConfigKey.fixed(
          "health-kubernetes",
          ConfigTypes.choice(KubernetesMode.class),
          "off, dry-run or on",
          "off",
          "Tell the cluster of faults: a condition and a label of the node, Events; dry-run: read the"
              + " cluster and only say what would be changed.");
  static final ConfigKey<Boolean> HEALTH_TAINT =
      ConfigKey.fixed(
          "health-taint",
          ConfigTypes.onOff(),
          "on or off",
          "off",
          "Keep new pods off a node of which no device takes tenants.");
  static final ConfigKey<EvictionPolicy> HEALTH_EVICT =
      ConfigKey.fixed(
          "health-evict",
          ConfigTypes.choice(EvictionPolicy.class),
          "none, evict or delete",
          "none",
          "What is done with pods that had something on a device that is lost; evict: as their"
              + " disruption budgets allow.");
  static final ConfigKey<Set<FaultClass>> HEALTH_HYPERPOD =
      ConfigKey.fixed(
          "health-hyperpod",
          new ConfigType<>("list", HealthKeys::repairs),
          "none, or some of reset, node and replace with commas between",
          "none",
          "For which classes of faults SageMaker HyperPod is asked to reboot or replace the node.");
  static final ConfigKey<Double> HEALTH_BREAKER =
      ConfigKey.fixed(
          "health-breaker",
          ConfigTypes.bounded(
              "percentage", Percent::parse, 0d, 100d, "a percentage from 0 to 100 such as 20"),
          "a percentage from 0 to 100",
          "20",
          "Part of the nodes with GPUs that may be out at once for a node to be tainted, repaired or"
              + " emptied; at least one may.");

  static final List<ConfigKey<?>> ALL =
      List.of(
          KERNEL_LOG,
          HEALTH_PROFILE,
          HEALTH_CATALOGUE,
          HEALTH_HOLD,
          HEALTH_TENANTS,
          HEALTH_DEVICE_BREAKER,
          EXPECTED_DEVICES,
          HEALTH_KUBERNETES,
          HEALTH_TAINT,
          HEALTH_EVICT,
          HEALTH_HYPERPOD,
          HEALTH_BREAKER);

  private HealthKeys() {}

  private static Set<FaultClass> repairs(String text) {
    EnumSet<FaultClass> repairs = EnumSet.noneOf(FaultClass.class);
    if (text.strip().equals("none")) {
      return Set.of();
    }
    for (String part : text.split(",", -1)) {
      FaultClass each = FaultClass.of(part.strip());
      if (!each.isDevices()) {
        throw new IllegalArgumentException(
            "'" + part.strip() + "' asks for no repair; there is reset, node and replace");
      }
      repairs.add(each);
    }
    return Set.copyOf(repairs);
  }
}
