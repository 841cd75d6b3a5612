package dev.aliquot.agent.tenant;

import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Which containers of pods are which tenants': one has one tenant at most. Thread-safe. */
public final class PodContainers {
  /** Tenants' ids by containers' ids. */
  private final Map<String, String> tenants = new ConcurrentHashMap<>();

  private final Path folders;

  /**
   * @param folders of the tenants, without links in it
   */
  public PodContainers(Path folders) {
    this.folders = folders;
  }

  /** The tenant's folder, which its container has mounted. */
  Path folder(String tenantId) {
    return folders.resolve(tenantId);
  }

  /** Takes the container for a tenant; false: it is another's. */
  boolean take(String containerId, String tenantId) {
    String owner = tenants.putIfAbsent(containerId, tenantId);
    return owner == null || owner.equals(tenantId);
  }

  /** Lets go of a container, if it is the tenant's. */
  void leave(String containerId, String tenantId) {
    tenants.remove(containerId, tenantId);
  }

  /** Lets go of whatever is the tenant's. */
  void leaveAll(String tenantId) {
    tenants.values().removeIf(tenantId::equals);
  }
}
