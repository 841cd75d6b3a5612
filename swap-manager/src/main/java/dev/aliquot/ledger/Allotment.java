package dev.aliquot.ledger;

import java.util.List;

/**
 * A tenant's shares of one or more devices: it gets all of them or none, and what is refused on one
 * device changes nothing on any. Not thread-safe, and no two may change the same device's shares at
 * a time: the caller has a lock for all of them.
 */
public final class Allotment {
  private final String tenant;
  private final List<Part> parts;

  /** The share of one device. */
  public record Part(DeviceBook book, Share share) {}

  /** Copies the list; each device stands in it once. */
  public Allotment(String tenant, List<Part> parts) {
    this.tenant = tenant;
    this.parts = List.copyOf(parts);
  }

  /** For a tenant that has no share of any of the devices. */
  public Admission admit() {
    for (int i = 0; i < parts.size(); i++) {
      Part part = parts.get(i);
      if (part.book().admit(tenant, part.share()) instanceof Admission.Refused refused) {
        parts.subList(0, i).forEach(admitted -> admitted.book().release(tenant));
        return refused;
      }
    }
    return new Admission.Admitted();
  }

  /** Takes over what an earlier agent has allocated, whether it fits or not. */
  public void restore() {
    parts.forEach(part -> part.book().restore(tenant, part.share()));
  }

  /**
   * Whether a tenant that has a share of each of the devices could have these. Changes nothing: a
   * share that was larger for a moment only could be in use already.
   */
  public Admission checkResize() {
    for (Part part : parts) {
      if (part.book().checkResize(tenant, part.share()) instanceof Admission.Refused refused) {
        return refused;
      }
    }
    return new Admission.Admitted();
  }

  /** Changes the shares to what {@link #checkResize} has admitted. */
  public void resize() {
    parts.forEach(part -> part.book().change(tenant, part.share()));
  }
}
