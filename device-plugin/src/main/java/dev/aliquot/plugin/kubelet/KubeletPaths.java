package dev.aliquot.plugin.kubelet;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Where the kubelet and its plugins have their sockets and files, below the kubelet's folder.
 *
 * @param folder the kubelet's, {@code var/lib/kubelet} on most nodes
 * @param resource the resource's name, {@code <domain>/<name>}
 */
public record KubeletPaths(Path folder, String resource) {
  /** The longest path of a socket that the kernel takes. */
  private static final int MAX_SOCKET_PATH_BYTES = 107;

  /**
   * @throws IllegalArgumentException when the name is none, or a path is too long, with a sentence
   */
  public KubeletPaths {
    folder = folder.toAbsolutePath().normalize();
    if (!resource.matches("[a-z0-9.-]{1,100}/[A-Za-z0-9._-]{1,63}")) {
      throw new IllegalArgumentException(
          "\"" + resource + "\" is no resource's name: it is <domain>/<name>");
    }
    int longest = 0;
    for (Path socket :
        new Path[] {
          folder.resolve("plugins").resolve(domain(resource)).resolve(name(resource) + ".sock"),
          folder.resolve("plugins_registry").resolve(flat(resource) + "-reg.sock"),
          folder.resolve("device-plugins").resolve(flat(resource) + ".sock")
        }) {
      longest = Math.max(longest, socket.toString().getBytes(StandardCharsets.UTF_8).length);
    }
    if (longest > MAX_SOCKET_PATH_BYTES) {
      throw new IllegalArgumentException(
          "the kubelet's folder "
              + folder
              + " has too long a path for the sockets in it: "
              + longest
              + " bytes of "
              + MAX_SOCKET_PATH_BYTES);
    }
  }

  /** The plugin's own socket, out of the way of the kubelet's cleaning. */
  public Path plugin() {
    return folder.resolve("plugins").resolve(domain(resource)).resolve(name(resource) + ".sock");
  }

  /** Where the kubelet finds plugins by itself; it does not clean this folder. */
  public Path registration() {
    return folder.resolve("plugins_registry").resolve(flat(resource) + "-reg.sock");
  }

  /** The plugin's socket for a kubelet that is called; the kubelet removes it at its start. */
  public Path classic() {
    return devicePlugins().resolve(flat(resource) + ".sock");
  }

  /** The kubelet's folder of device plugins. */
  public Path devicePlugins() {
    return folder.resolve("device-plugins");
  }

  /** Where the kubelet is called to register; made anew at each of its starts. */
  public Path kubelet() {
    return devicePlugins().resolve("kubelet.sock");
  }

  /** Where the kubelet keeps which pod has which ids. */
  public Path checkpoint() {
    return devicePlugins().resolve("kubelet_internal_checkpoint");
  }

  /** Where the kubelet says which pod has which ids. */
  public Path podResources() {
    return folder.resolve("pod-resources").resolve("kubelet.sock");
  }

  private static String domain(String resource) {
    return resource.substring(0, resource.indexOf('/'));
  }

  private static String name(String resource) {
    return resource.substring(resource.indexOf('/') + 1);
  }

  private static String flat(String resource) {
    return resource.replace('/', '-');
  }
}
