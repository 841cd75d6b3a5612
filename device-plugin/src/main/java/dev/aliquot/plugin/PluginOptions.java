package dev.aliquot.plugin;

import dev.aliquot.plugin.kubelet.RegistrationRules;
import dev.aliquot.plugin.ledger.LedgerRules;
import dev.aliquot.plugin.placement.Placement;
import java.nio.file.Path;
import java.time.Duration;

/**
 * How a plugin is run.
 *
 * @param kubelet the kubelet's folder, {@code var/lib/kubelet} on most nodes
 * @param resource the resource's name, {@code <domain>/<name>}
 * @param stateFile where grants are kept for the next agent; its folder is there
 * @param reconcile how often the grants are compared with the kubelet's pods
 */
public record PluginOptions(
    Path kubelet,
    String resource,
    Placement placement,
    Path stateFile,
    Duration reconcile,
    RegistrationRules registration,
    LedgerRules ledger) {
  /** The resource that Aliquot offers. */
  public static final String RESOURCE = "aliquot.dev/gpu-fraction";

  /** With the times that an agent uses. */
  public static PluginOptions of(
      Path kubelet, String resource, Placement placement, Path stateFile) {
    return new PluginOptions(
        kubelet,
        resource,
        placement,
        stateFile,
        Duration.ofSeconds(3),
        RegistrationRules.DEFAULT,
        LedgerRules.DEFAULT);
  }
}
