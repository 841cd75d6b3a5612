package dev.aliquot.plugin.node;

import java.util.List;
import java.util.Map;

/**
 * What a container gets: environment, mounts, device nodes, and names of CDI devices.
 *
 * @param environment put before what the pod's specification says, which wins
 */
public record Injection(
    Map<String, String> environment,
    List<Mount> mounts,
    List<DeviceNode> deviceNodes,
    List<String> cdiDevices) {

  /** A file or folder of the host, at a place in the container. */
  public record Mount(String hostPath, String containerPath, boolean readOnly) {}

  /** A device node under the same path in the container, with "rw" or the like. */
  public record DeviceNode(String path, String permissions) {}
}
