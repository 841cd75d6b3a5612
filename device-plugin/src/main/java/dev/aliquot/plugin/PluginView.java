package dev.aliquot.plugin;

import dev.aliquot.plugin.count.Figures;
import dev.aliquot.plugin.kubelet.RegistrationView;
import dev.aliquot.plugin.ledger.KeptGrant;
import dev.aliquot.plugin.node.NodeDevice;
import java.util.List;

/**
 * How the plugin stands.
 *
 * @param podsTrouble why the kubelet does not say which pods have what; empty where it does
 * @param stateTrouble why the grants cannot be written to disk; empty where they can
 */
public record PluginView(
    String resource,
    RegistrationView registration,
    List<Units> devices,
    List<KeptGrant> grants,
    Figures figures,
    String podsTrouble,
    String stateTrouble) {
  /**
   * A device's units.
   *
   * @param granted of 100; more where containers wait for others to end
   * @param started of those, the ones whose containers have been started; never more than 100
   */
  public record Units(NodeDevice device, int granted, int started) {}
}
