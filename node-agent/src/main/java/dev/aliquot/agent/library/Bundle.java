package dev.aliquot.agent.library;

import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;

/**
 * The native files packed into the program, under {@code native/linux-<arch>/}, the architecture as
 * Java names it.
 */
final class Bundle {
  private final String prefix;

  private Bundle(String prefix) {
    this.prefix = prefix;
  }

  /** Those for this machine. */
  static Bundle ofThisMachine() {
    return new Bundle(
        "native/linux-" + System.getProperty("os.arch", "").toLowerCase(Locale.ROOT) + "/");
  }

  /**
   * The content of a file.
   *
   * @throws IOException with a sentence when it is not packed
   */
  byte[] read(String file) throws IOException {
    try (InputStream in = Bundle.class.getClassLoader().getResourceAsStream(prefix + file)) {
      if (in == null) {
        throw new IOException(
            prefix
                + file
                + " is not packed into this program: build it for this machine with ./aliquot build");
      }
      return in.readAllBytes();
    }
  }
}
