package dev.aliquot.agent;

import dev.aliquot.agent.library.Libraries;
import dev.aliquot.agent.library.SimulatedNodes;
import dev.aliquot.agent.state.StateDir;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The driver's libraries that agent and tenants open, and the stand-ins for them.
 *
 * @param cuda opened by tenants
 * @param nvml opened by agent and tenants
 * @param libraries has the folders of libraries
 * @param simulatedNode the node's directory; null: the machine's own driver
 */
record Driver(
    Path cuda,
    Path nvml,
    Path libraries,
    Libraries.Interposer interposer,
    @Nullable Path simulatedNode) {

  static Driver provide(AgentOptions options, StateDir state) throws IOException {
    Path given = options.libraryDir();
    Path directory =
        given != null
            ? given.toAbsolutePath()
            : Libraries.directory(state.libraries(), state.root(), System.getenv());
    Libraries libraries = new Libraries(directory);
    Libraries.Interposer interposer = libraries.interposer();
    String simulate = options.simulate();
    if (simulate == null) {
      return new Driver(
          given(options.cudaLibrary(), "libcuda.so.1"),
          given(options.nvmlLibrary(), "libnvidia-ml.so.1"),
          directory,
          interposer,
          null);
    }
    Libraries.Simulator simulator =
        libraries.simulator(state.node(), SimulatedNodes.branch(simulate));
    SimulatedNodes.provide(state.node(), simulate, simulator.tool(), state.hasTenants());
    Path cuda = options.cudaLibrary();
    Path nvml = options.nvmlLibrary();
    return new Driver(
        cuda == null ? simulator.cuda() : cuda.toAbsolutePath(),
        nvml == null ? simulator.nvml() : nvml.toAbsolutePath(),
        directory,
        interposer,
        state.node());
  }

  /** What a tenant's processes need; the first two are to be put before what is there. */
  Map<String, String> environment() {
    Path node = simulatedNode;
    String preload = interposer.cuda() + ":" + interposer.nvml();
    return node == null
        ? Map.of("LD_PRELOAD", preload)
        : Map.of(
            "LD_PRELOAD",
            preload,
            "LD_LIBRARY_PATH",
            interposer.compat().toString(),
            "ALIQUOT_SIM_DIR",
            node.toString());
  }

  /** The same for a container, which has a file system of its own. */
  Places places(StateDir state) {
    Map<String, String> environment = new HashMap<>(environment());
    environment.remove("LD_PRELOAD");
    return new Places(
        state.path(),
        state.pods(),
        libraries,
        List.of(interposer.cuda(), interposer.nvml()),
        simulatedNode,
        environment);
  }

  private static Path given(@Nullable Path library, String installed) throws IOException {
    return library == null ? Libraries.installed(installed) : library.toAbsolutePath();
  }
}
