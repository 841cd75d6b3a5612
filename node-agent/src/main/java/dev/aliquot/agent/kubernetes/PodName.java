package dev.aliquot.agent.kubernetes;

import java.util.regex.Pattern;

/** Which pod. Tenants say it, so it is only used where it can be the name of one. */
public record PodName(String namespace, String name) {
  private static final Pattern NAMESPACE = Pattern.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");
  private static final Pattern NAME = Pattern.compile("[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?");

  boolean isPossible() {
    return NAMESPACE.matcher(namespace).matches()
        && NAME.matcher(name).matches()
        && !name.contains("..");
  }

  @Override
  public String toString() {
    return namespace + "/" + name;
  }
}
