package dev.aliquot.ledger;

import java.util.HashMap;
import java.util.Map;

/**
 * The requests allocated on one device. Invariant: the sum of the requests never exceeds the
 * capacity, unless tenants were carried over from an agent that knew a larger one; then nothing new
 * is admitted until it fits again.
 */
public final class DeviceLedger {
  private final String device;
  private final long capacityBytes;
  private final Map<String, Long> requests = new HashMap<>();
  private long allocatedBytes;

  /**
   * @param device how sentences name it
   * @param capacityBytes what tenants can be given in all
   */
  public DeviceLedger(String device, long capacityBytes) {
    if (capacityBytes < 0) {
      throw new IllegalArgumentException("capacity " + capacityBytes + " is negative");
    }
    this.device = device;
    this.capacityBytes = capacityBytes;
  }

  /**
   * Guarantees requestBytes to the tenant, if they are free. A tenant has one request per device.
   */
  public Admission admit(String tenant, long requestBytes) {
    if (requests.containsKey(tenant)) {
      throw new IllegalArgumentException(
          "tenant " + tenant + " already has a request on " + device);
    }
    if (requestBytes <= 0) {
      return new Admission.Refused("a request is more than 0 bytes, not " + requestBytes);
    }
    if (requestBytes > freeBytes()) {
      return new Admission.Refused(refusal(requestBytes));
    }
    put(tenant, requestBytes);
    return new Admission.Admitted();
  }

  /**
   * Takes over what an earlier agent has allocated, whether it fits or not: a request that was
   * admitted is kept.
   */
  public void restore(String tenant, long requestBytes) {
    if (requestBytes < 0 || requests.containsKey(tenant)) {
      throw new IllegalArgumentException(
          "tenant " + tenant + " cannot be restored with " + requestBytes + " bytes");
    }
    put(tenant, requestBytes);
  }

  /** Forgets the tenant's request; without one, nothing. */
  public void release(String tenant) {
    Long requestBytes = requests.remove(tenant);
    if (requestBytes != null) {
      allocatedBytes -= requestBytes;
    }
  }

  public long capacityBytes() {
    return capacityBytes;
  }

  /** The sum of the requests. */
  public long allocatedBytes() {
    return allocatedBytes;
  }

  /** What can still be allocated, never less than 0. */
  public long freeBytes() {
    return Math.max(0, capacityBytes - allocatedBytes);
  }

  private void put(String tenant, long requestBytes) {
    requests.put(tenant, requestBytes);
    allocatedBytes = Math.addExact(allocatedBytes, requestBytes);
  }

  private String refusal(long requestBytes) {
    String allocated =
        requests.isEmpty()
            ? "nothing is allocated yet"
            : ByteText.of(allocatedBytes)
                + " are allocated to "
                + requests.size()
                + (requests.size() == 1 ? " tenant" : " tenants");
    String advice =
        freeBytes() == 0
            ? "end a tenant or choose another device"
            : "ask for " + freeBytes() + " bytes or less, end a tenant, or choose another device";
    return "device "
        + device
        + " has "
        + ByteText.of(freeBytes())
        + " free and "
        + ByteText.of(requestBytes)
        + " were asked for: of the "
        + ByteText.of(capacityBytes)
        + " that tenants can have, "
        + allocated
        + "; "
        + advice;
  }
}
