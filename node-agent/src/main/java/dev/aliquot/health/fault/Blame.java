package dev.aliquot.health.fault;

/**
 * Whose process it was.
 *
 * @param tenant the tenant's id
 * @param name the tenant's name
 * @param namespace of its pod, or empty
 * @param pod or empty
 * @param container or empty
 */
public record Blame(String tenant, String name, String namespace, String pod, String container) {
  /** Nobody's, as far as is known. */
  public static final Blame NOBODY = new Blame("", "", "", "", "");

  public boolean isSomebody() {
    return !tenant.isEmpty();
  }
}
