package dev.aliquot.plugin.kubelet;

/** How a plugin is registered. */
public enum Way {
  /** The kubelet has found it in its folder of plugins. */
  FOLDER("plugins_registry"),
  /** It has called the kubelet. */
  CALL("Register");

  private final String shown;

  Way(String shown) {
    this.shown = shown;
  }

  /** As Kubernetes names it. */
  public String shown() {
    return shown;
  }
}
