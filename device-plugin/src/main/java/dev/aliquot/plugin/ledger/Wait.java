package dev.aliquot.plugin.ledger;

/** Why a container does not start yet. */
public enum Wait {
  /** The kubelet does not answer, so that nobody knows whose the ids are. */
  KUBELET,
  /** The kubelet names nobody who has these ids. */
  NOBODY,
  /** Another container that lives has them. */
  HELD,
  /** The device takes no new tenants, or is gone. */
  UNHEALTHY,
  /** The device has no room. */
  ROOM,
  /** The node says so: memory that is not there yet, a pod that it does not know yet. */
  NODE,
  /** The same grant, or too many others, are being prepared. */
  BUSY,
  /** The ids are not such as this plugin offers. */
  FOREIGN,
  /** A fault of this program. */
  FAULT
}
