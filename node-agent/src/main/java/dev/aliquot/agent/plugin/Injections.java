package dev.aliquot.agent.plugin;

import dev.aliquot.agent.Places;
import dev.aliquot.plugin.node.Grant;
import dev.aliquot.plugin.node.Injection;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What makes a container a tenant. The kubelet keeps the answer for as long as the pod lives, so
 * that all of it follows from the grant and from the agent's folders, and nothing from its version.
 * Thread-safe.
 */
public final class Injections {
  /** Where the library looks for the tenant's folder when nothing else is said (protocol.h). */
  static final String TENANT = "/run/aliquot/tenant";

  /** The one file in it that the tenant writes. */
  private static final String USAGE = "usage";

  static final String LIBRARIES = "/opt/aliquot/lib";

  /** As ld.so(8) reads it, for every program, beside what LD_PRELOAD says. */
  private static final String PRELOAD = "/etc/ld.so.preload";

  private final Places places;
  private final Way way;

  /** How a container gets its devices. */
  public sealed interface Way {
    /** By the environment that NVIDIA's container runtime reads. */
    record Environment() implements Way {}

    /**
     * By names of CDI devices.
     *
     * @param kind such as nvidia.com/gpu
     */
    record Cdi(String kind) implements Way {}
  }

  public Injections(Places places, Way way) {
    this.places = places;
    this.way = way;
  }

  /** At once. */
  public Injection of(Grant grant) {
    Map<String, String> environment = new TreeMap<>();
    String uuids = String.join(",", grant.devices());
    environment.put("CUDA_VISIBLE_DEVICES", uuids);
    List<String> cdi = new ArrayList<>();
    switch (way) {
      case Way.Environment _ -> {
        environment.put("NVIDIA_VISIBLE_DEVICES", uuids);
        environment.put("NVIDIA_DRIVER_CAPABILITIES", "compute,utility");
      }
      case Way.Cdi(String kind) -> grant.devices().forEach(uuid -> cdi.add(kind + "=" + uuid));
    }
    List<Injection.Mount> mounts = new ArrayList<>();
    Path tenant = places.pods().resolve(grant.key());
    // many containers' processes are root: what is the agent's alone they must not be able to write
    mounts.add(mount(tenant, TENANT, true));
    mounts.add(mount(tenant.resolve(USAGE), TENANT + "/" + USAGE, false));
    mounts.add(mount(places.libraries(), LIBRARIES, true));
    mounts.add(mount(places.libraries().resolve(PreloadFile.NAME), PRELOAD, true));
    Path node = places.simulatedNode();
    if (node != null) {
      // its libraries know the node by the host's paths
      mounts.add(mount(places.libraries(), places.libraries().toString(), true));
      mounts.add(mount(node, node.toString(), false));
      environment.put("ALIQUOT_SIM_DIR", node.toString());
      environment.put("LD_LIBRARY_PATH", LIBRARIES + "/" + PreloadFile.CURRENT + "/compat");
    }
    return new Injection(Map.copyOf(environment), List.copyOf(mounts), List.of(), cdi);
  }

  private static Injection.Mount mount(Path host, String container, boolean readOnly) {
    return new Injection.Mount(host.toString(), container, readOnly);
  }
}
