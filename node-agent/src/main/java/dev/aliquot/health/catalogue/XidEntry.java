package dev.aliquot.health.catalogue;

/**
 * What is known of an XID.
 *
 * @param code the XID
 * @param name the driver's mnemonic
 * @param faultClass what it asks for
 * @param resolution what NVIDIA's catalogue calls that, or empty
 * @param text what happened, a sentence for a person
 * @param action what a person is to do
 */
public record XidEntry(
    int code, String name, FaultClass faultClass, String resolution, String text, String action) {

  /** One that no table has: told loudly, and nothing is done. */
  static XidEntry unknown(int code) {
    return new XidEntry(
        code,
        "UNKNOWN",
        FaultClass.WATCH,
        "",
        "An XID that the table does not know.",
        "Look it up in NVIDIA's catalogue, and give it a class in health-catalogue.");
  }
}
