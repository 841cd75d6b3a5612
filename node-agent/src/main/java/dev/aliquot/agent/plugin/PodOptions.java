package dev.aliquot.agent.plugin;

import dev.aliquot.agent.config.InjectionWay;
import dev.aliquot.agent.config.PlacementPolicy;
import java.nio.file.Path;

/**
 * How the kubelet is served.
 *
 * @param kubelet its folder
 * @param resource what devices are offered as
 * @param annotationPrefix of the names of pods' annotations
 * @param cdiKind of CDI devices
 * @param annotations whether pods' annotations are read from the API server
 */
public record PodOptions(
    Path kubelet,
    String resource,
    String annotationPrefix,
    PlacementPolicy placement,
    InjectionWay injection,
    String cdiKind,
    boolean annotations) {
  /** The defaults, for a kubelet in a folder. */
  public static PodOptions of(Path kubelet) {
    return new PodOptions(
        kubelet,
        "aliquot.dev/gpu-fraction",
        "aliquot.dev",
        PlacementPolicy.PACK,
        InjectionWay.ENVVAR,
        "nvidia.com/gpu",
        false);
  }

  Injections.Way way() {
    return switch (injection) {
      case ENVVAR -> new Injections.Way.Environment();
      case CDI -> new Injections.Way.Cdi(cdiKind);
    };
  }
}
