package dev.aliquot.bench;

import java.io.IOException;
import java.util.concurrent.TimeUnit;

/** How a program that waits for commands is ended. */
final class Ending {
  private static final int PATIENCE_SECONDS = 20;

  private Ending() {}

  /** Closes its input, and kills it where that does not end it. */
  static void of(Process process) {
    try {
      process.getOutputStream().close();
      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (IOException e) {
      process.destroyForcibly();
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
