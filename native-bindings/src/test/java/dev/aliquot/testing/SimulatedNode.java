package dev.aliquot.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A simulated node of its own in a folder, with its own copies of the simulator's libraries, so
 * that one JVM can open several. Needs {@code -Daliquot.simulator.dir}, the folder of the
 * simulator's build with {@code aliquot-sim} and a folder of libraries per driver branch.
 */
public final class SimulatedNode {
  /** The system property; tests that need it are enabled by it. */
  public static final String PROPERTY = "aliquot.simulator.dir";

  private final Path node;
  private final Path libraries;

  private SimulatedNode(Path node, Path libraries) {
    this.node = node;
    this.libraries = libraries;
  }

  /**
   * Makes a node.
   *
   * @param branch folder of the libraries: 535, 580 or 615
   * @param settings as for {@code aliquot-sim create}
   */
  public static SimulatedNode create(Path folder, String branch, String settings)
      throws IOException, InterruptedException {
    Path node = folder.resolve("node-" + branch);
    Path libraries = Files.createDirectory(folder.resolve("lib-" + branch));
    for (String library : List.of("libcuda.so.1", "libnvidia-ml.so.1")) {
      Files.copy(build().resolve(branch).resolve(library), libraries.resolve(library));
    }
    Files.writeString(libraries.resolve("node-dir"), node + "\n");
    SimulatedNode made = new SimulatedNode(node, libraries);
    made.tool("create", settings);
    return made;
  }

  public Path nvml() {
    return libraries.resolve("libnvidia-ml.so.1");
  }

  public Path cuda() {
    return libraries.resolve("libcuda.so.1");
  }

  /** Runs {@code aliquot-sim COMMAND NODE ARGUMENTS...}. */
  public void tool(String command, String... arguments) throws IOException, InterruptedException {
    List<String> line = new ArrayList<>();
    line.add(build().resolve("aliquot-sim").toString());
    line.add(command);
    line.add(node.toString());
    line.addAll(List.of(arguments));
    Process process = new ProcessBuilder(line).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as("%s: %s", line, output).isZero();
  }

  private static Path build() {
    return Path.of(System.getProperty(PROPERTY)).toAbsolutePath();
  }
}
