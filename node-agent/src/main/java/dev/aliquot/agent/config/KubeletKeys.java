package dev.aliquot.agent.config;

import java.nio.file.Path;
import java.util.List;

/** What the kubelet is offered, and what containers are given. */
final class KubeletKeys {
  static final ConfigKey<Boolean> DEVICE_PLUGIN =
      ConfigKey.fixed(
          "device-plugin",
          ConfigTypes.onOff(),
          "on or off",
          "off",
          "Offer the devices to the node's kubelet, and make tenants for the containers that it gives"
              + " a part of one; needs root.");
  static final ConfigKey<Path> KUBELET_DIR =
      ConfigKey.fixed(
          "kubelet-dir",
          ConfigTypes.path(),
          "an absolute path",
          "/var/lib/kubelet",
          "The kubelet's folder, with its sockets for plugins.");
  static final ConfigKey<String> RESOURCE_NAME =
      ConfigKey.fixed(
          "resource-name",
          ConfigTypes.text(
              "name",
              "[a-z0-9][a-z0-9.-]{0,99}/[A-Za-z0-9][A-Za-z0-9._-]{0,62}",
              "a resource's name such as aliquot.dev/gpu-fraction"),
          "a resource's name such as aliquot.dev/gpu-fraction",
          "aliquot.dev/gpu-fraction",
          "What containers ask for in their limits; a device has 100 of it.");
  static final ConfigKey<String> ANNOTATION_PREFIX =
      ConfigKey.fixed(
          "annotation-prefix",
          ConfigTypes.text(
              "name", "[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", "a domain such as aliquot.dev"),
          "a domain such as aliquot.dev",
          "aliquot.dev",
          "What the names of pods' annotations begin with, before the stroke.");
  static final ConfigKey<PlacementPolicy> PLACEMENT =
      ConfigKey.fixed(
          "placement",
          ConfigTypes.choice(PlacementPolicy.class),
          "pack or spread",
          "pack",
          "Which device a part of one is taken of; pack: the fullest that has room; spread: the"
              + " emptiest.");
  static final ConfigKey<InjectionWay> INJECTION =
      ConfigKey.fixed(
          "injection",
          ConfigTypes.choice(InjectionWay.class),
          "envvar or cdi",
          "envvar",
          "How containers get their devices; envvar: NVIDIA's container runtime reads the"
              + " environment; cdi: the runtime resolves names of CDI devices.");
  static final ConfigKey<String> CDI_KIND =
      ConfigKey.fixed(
          "cdi-kind",
          ConfigTypes.text(
              "name",
              "[a-z0-9][a-z0-9.-]{0,99}/[A-Za-z0-9][A-Za-z0-9_-]{0,62}",
              "a CDI kind such as nvidia.com/gpu"),
          "a CDI kind such as nvidia.com/gpu",
          "nvidia.com/gpu",
          "The kind of the CDI devices, which are named by their UUIDs.");
  static final ConfigKey<Boolean> POD_ANNOTATIONS =
      ConfigKey.fixed(
          "pod-annotations",
          ConfigTypes.onOff(),
          "on or off",
          "off",
          "Read the annotations of the node's pods from the API server; off: each container has what"
              + " its resource says and borrows nothing.");

  static final List<ConfigKey<?>> ALL =
      List.of(
          DEVICE_PLUGIN,
          KUBELET_DIR,
          RESOURCE_NAME,
          ANNOTATION_PREFIX,
          PLACEMENT,
          INJECTION,
          CDI_KIND,
          POD_ANNOTATIONS);

  private KubeletKeys() {}
}
