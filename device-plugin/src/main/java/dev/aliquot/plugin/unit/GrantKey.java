package dev.aliquot.plugin.unit;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.SortedSet;

/** The name of a grant: it follows from the ids alone. */
public final class GrantKey {
  private GrantKey() {}

  /** The first 16 hexadecimal digits of the SHA-256 of the sorted ids, joined by line feeds. */
  public static String of(SortedSet<String> ids) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest(String.join("\n", ids).getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
