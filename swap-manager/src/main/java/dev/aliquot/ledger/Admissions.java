package dev.aliquot.ledger;

import java.util.HashMap;
import java.util.Map;
import java.util.function.ToLongFunction;

/**
 * The shares of one device's tenants. Invariant: the sum of the requests never exceeds the
 * capacity, unless tenants were carried over from an agent that knew a larger one; then nothing new
 * is admitted until it fits again. Guarded by the device's lock.
 */
final class Admissions {
  private final String device;
  private final long capacityBytes;
  private final ToLongFunction<String> fixedBytes;
  private final Map<String, Share> shares = new HashMap<>();

  /**
   * @param fixedBytes what a tenant holds that cannot be taken back from it: where that is more
   *     than its request, as after the request was lowered, nobody else can be promised it
   */
  Admissions(String device, long capacityBytes, ToLongFunction<String> fixedBytes) {
    if (capacityBytes < 0) {
      throw new IllegalArgumentException("capacity " + capacityBytes + " is negative");
    }
    this.device = device;
    this.capacityBytes = capacityBytes;
    this.fixedBytes = fixedBytes;
  }

  Share share(String tenant) {
    Share share = shares.get(tenant);
    if (share == null) {
      throw new IllegalArgumentException("tenant " + tenant + " has no share of " + device);
    }
    return share;
  }

  Admission admit(String tenant, Share share) {
    if (shares.containsKey(tenant)) {
      throw new IllegalArgumentException("tenant " + tenant + " already has a share of " + device);
    }
    Admission admission = check(tenant, share, 0);
    if (admission instanceof Admission.Admitted) {
      shares.put(tenant, share);
    }
    return admission;
  }

  /** Whether a tenant's share may become this one. */
  Admission checkResize(String tenant, Share share) {
    // what it has stays its own, also where more is allocated than there is
    return check(tenant, share, share(tenant).requestBytes());
  }

  /** Whether it fits or not. */
  void change(String tenant, Share share) {
    if (shares.replace(tenant, share) == null) {
      throw new IllegalArgumentException("tenant " + tenant + " has no share of " + device);
    }
  }

  void restore(String tenant, Share share) {
    if (shares.putIfAbsent(tenant, share) != null) {
      throw new IllegalArgumentException("tenant " + tenant + " already has a share of " + device);
    }
  }

  void release(String tenant) {
    shares.remove(tenant);
  }

  long allocatedBytes() {
    long sum = 0;
    for (Share share : shares.values()) {
      sum = Bytes.add(sum, share.requestBytes());
    }
    return sum;
  }

  long freeBytes() {
    return freeBytes("");
  }

  private long freeBytes(String except) {
    long sum = 0;
    for (Map.Entry<String, Share> each : shares.entrySet()) {
      if (!each.getKey().equals(except)) {
        long bytes =
            Math.max(each.getValue().requestBytes(), fixedBytes.applyAsLong(each.getKey()));
        sum = Bytes.add(sum, bytes);
      }
    }
    return Math.max(0, capacityBytes - sum);
  }

  private Admission check(String tenant, Share share, long ownBytes) {
    if (share.requestBytes() <= 0) {
      return new Admission.Refused("a request is more than 0 bytes, not " + share.requestBytes());
    }
    if (share.requestBytes() > Math.max(ownBytes, freeBytes(tenant))) {
      return new Admission.Refused(refusal(tenant, share.requestBytes()));
    }
    if (share.borrows() && share.limitBytes() > capacityBytes) {
      return new Admission.Refused(
          "a limit of "
              + ByteText.of(share.limitBytes())
              + " is more than the "
              + ByteText.of(capacityBytes)
              + " ("
              + capacityBytes
              + " bytes) that tenants of device "
              + device
              + " can have in all");
    }
    return new Admission.Admitted();
  }

  private String refusal(String tenant, long requestBytes) {
    long freeBytes = freeBytes(tenant);
    long others = shares.keySet().stream().filter(each -> !each.equals(tenant)).count();
    String allocated =
        others == 0
            ? "nothing is allocated yet"
            : ByteText.of(capacityBytes - freeBytes)
                + " are allocated to "
                + others
                + (others == 1 ? " tenant" : " tenants");
    String advice =
        freeBytes == 0
            ? "end a tenant or choose another device"
            : "ask for " + freeBytes + " bytes or less, end a tenant, or choose another device";
    return "device "
        + device
        + " has "
        + ByteText.of(freeBytes)
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
