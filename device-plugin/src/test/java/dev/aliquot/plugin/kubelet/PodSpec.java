package dev.aliquot.plugin.kubelet;

import java.util.List;
import java.util.UUID;

/**
 * A pod for the stand-in.
 *
 * @param onThisNode whether it names its node, and so passes by the scheduler
 */
public record PodSpec(
    String namespace, String name, String uid, List<Container> containers, boolean onThisNode) {
  /** What a container is in its pod. */
  public enum Kind {
    INIT,
    SIDECAR,
    APP
  }

  /**
   * A container.
   *
   * @param units asked for of the resource; 0 for none
   */
  public record Container(String name, Kind kind, int units) {}

  /** A pod of one container, called "main". */
  public static PodSpec of(String name, int units) {
    return of(name, app("main", units));
  }

  /** A pod in namespace "default" with a new uid; init containers and sidecars come first. */
  public static PodSpec of(String name, Container... containers) {
    return new PodSpec("default", name, UUID.randomUUID().toString(), List.of(containers), false);
  }

  /** The same, created for this node. */
  public PodSpec withNodeName() {
    return new PodSpec(namespace, name, uid, containers, true);
  }

  public static Container app(String name, int units) {
    return new Container(name, Kind.APP, units);
  }

  public static Container init(String name, int units) {
    return new Container(name, Kind.INIT, units);
  }

  public static Container sidecar(String name, int units) {
    return new Container(name, Kind.SIDECAR, units);
  }
}
