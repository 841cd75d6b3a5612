package dev.aliquot.agent.view;

import java.util.List;

/**
 * What a fault does, or would do.
 *
 * @param device UUID
 * @param code the XID
 * @param name the driver's mnemonic
 * @param faultClass what it asks for here
 * @param text what it means
 * @param action what a person is to do
 * @param state of the device after it, were it healthy before
 * @param blamed name of the tenant that is to blame, or empty
 * @param tenants names of the tenants with a share of the device
 * @param done whether the fault was made
 */
public record DrillView(
    String device,
    int code,
    String name,
    String faultClass,
    String text,
    String action,
    String state,
    String blamed,
    List<String> tenants,
    boolean done) {

  /** Copies the list. */
  public DrillView {
    tenants = List.copyOf(tenants);
  }
}
