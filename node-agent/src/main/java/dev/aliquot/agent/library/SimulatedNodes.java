package dev.aliquot.agent.library;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** Makes simulated nodes with the simulator's own tool. */
public final class SimulatedNodes {
  private static final int TIMEOUT_SECONDS = 20;

  private SimulatedNodes() {}

  /**
   * Makes the node, or takes the one that is there: tenants of an earlier agent hold memory on it.
   *
   * @throws IOException with the tool's own sentence
   */
  public static void provide(Path node, String settings, Path tool) throws IOException {
    if (Files.exists(node.resolve("node"))) {
      return;
    }
    Path log = Files.createTempFile("aliquot-sim", ".log");
    try {
      Process process =
          new ProcessBuilder(tool.toString(), "create", node.toString(), settings)
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new IOException(
            "the simulated node in " + node + " was not made within " + TIMEOUT_SECONDS + " s");
      }
      if (process.exitValue() != 0) {
        throw new IOException(
            "the simulated node in "
                + node
                + " cannot be made: "
                + Files.readString(log, StandardCharsets.UTF_8).strip());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while the simulated node was made", e);
    } finally {
      Files.deleteIfExists(log);
    }
  }

  /**
   * The driver branch in the settings, such as 580 in {@code driver=580.159.04}; the simulator's
   * default where none is named.
   */
  public static int branch(String settings) {
    for (String setting : settings.split(",", -1)) {
      if (setting.strip().startsWith("driver=")) {
        String version = setting.strip().substring("driver=".length());
        int dot = version.indexOf('.');
        try {
          return Integer.parseInt(dot < 0 ? version : version.substring(0, dot));
        } catch (NumberFormatException e) {
          return 580;
        }
      }
    }
    return 580;
  }
}
