package dev.aliquot.cli.doctor;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Whether this machine's devices can be offered to a kubelet. */
final class KubeletChecks {
  private KubeletChecks() {}

  /** Nothing is said of a machine that is no node of a cluster. */
  static Optional<Finding> finding(Path kubelet) {
    if (!Files.isDirectory(kubelet)) {
      return Optional.empty();
    }
    if (!Files.exists(kubelet.resolve("device-plugins/kubelet.sock"))) {
      return Optional.of(
          Finding.lack(
              "kubelet",
              kubelet + " has no device-plugins/kubelet.sock",
              "the kubelet does not run, or has another folder (--kubelet-dir); in a container both"
                  + " have to be mounted from the host"));
    }
    if (!Files.isDirectory(kubelet.resolve("plugins_registry"))
        || !Files.isWritable(kubelet.resolve("plugins_registry"))) {
      return Optional.of(
          Finding.lack(
              "kubelet",
              kubelet.resolve("plugins_registry") + " cannot be written",
              "the agent registers by calling the kubelet, and again after each of its restarts"));
    }
    return Optional.of(
        Finding.ok("kubelet", "in " + kubelet + ": agent --device-plugin on offers the devices"));
  }
}
