package dev.aliquot.agent.device;

/**
 * What NVML tells by itself.
 *
 * @param device UUID; empty where NVML does not say which
 * @param kind what it is about
 * @param code the XID of an {@link Kind#XID}, else 0
 */
public record DeviceEvent(String device, Kind kind, int code) {

  /** What an event is about. */
  public enum Kind {
    XID,
    /** Something else of its health has changed: it is to be asked. */
    CHANGED
  }
}
