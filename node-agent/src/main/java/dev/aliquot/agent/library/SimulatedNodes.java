package dev.aliquot.agent.library;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes simulated nodes with the simulator's own tool. */
public final class SimulatedNodes {
  private static final Logger LOG = LoggerFactory.getLogger(SimulatedNodes.class);
  private static final int TIMEOUT_SECONDS = 20;

  private SimulatedNodes() {}

  /**
   * Makes the node, or takes the one that is there. One that an earlier agent made with other
   * settings is made anew, unless tenants hold memory on it.
   *
   * @param inUse whether there are tenants of an earlier agent
   * @throws IOException with the tool's own sentence
   */
  public static void provide(Path node, String settings, Path tool, boolean inUse)
      throws IOException {
    Path made = node.resolveSibling(node.getFileName() + ".settings");
    if (Files.exists(node.resolve("node"))) {
      if (!Files.exists(made) || Files.readString(made).equals(settings)) {
        return;
      }
      if (inUse) {
        LOG.warn(
            "the simulated node stays as it is ({}) because it has tenants; {} is not used",
            Files.readString(made),
            settings);
        return;
      }
      run(tool, node, "destroy");
    }
    Files.deleteIfExists(made);
    run(tool, node, "create", settings);
    Files.writeString(made, settings);
  }

  private static void run(Path tool, Path node, String action, String... arguments)
      throws IOException {
    List<String> command = new ArrayList<>(List.of(tool.toString(), action, node.toString()));
    command.addAll(List.of(arguments));
    Path log = Files.createTempFile("aliquot-sim", ".log");
    try {
      Process process =
          new ProcessBuilder(command)
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
