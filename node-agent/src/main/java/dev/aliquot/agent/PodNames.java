package dev.aliquot.agent;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Names of tenants that are made for containers of pods. */
final class PodNames {
  static final int MOST_CHARACTERS = 63;
  private static final int HASH_CHARACTERS = 8;

  private PodNames() {}

  /**
   * "namespace/pod/container" where that is a name for a tenant; else as much of it as there is
   * room for, with a hash of the whole: different containers have different names.
   */
  static String name(String path) {
    String legal = path.replaceAll("[^A-Za-z0-9._/-]", "_").replaceFirst("^(?![A-Za-z0-9]).?", "x");
    return legal.equals(path) && path.length() <= MOST_CHARACTERS ? path : with(legal, hash(path));
  }

  /** The name of one of several containers of the same name, of a pod that was made anew. */
  static String again(String path, String tenantId) {
    return with(name(path), tenantId.substring(0, HASH_CHARACTERS));
  }

  private static String with(String name, String ending) {
    int room = MOST_CHARACTERS - 1 - ending.length();
    return name.substring(0, Math.min(room, name.length())) + "-" + ending;
  }

  private static String hash(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, HASH_CHARACTERS / 2);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
