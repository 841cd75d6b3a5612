package dev.aliquot.agent.library;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Unpacks what tenants and simulated nodes need. */
public final class Libraries {
  private static final String CUDA = "libaliquot-cuda.so";
  private static final String NVML = "libaliquot-nvml.so";

  private final LibraryFolder folder;
  private final Bundle bundle = Bundle.ofThisMachine();

  /**
   * @param directory where folders are made; processes of every tenant must be able to map files in
   *     it
   */
  public Libraries(Path directory) {
    this.folder = new LibraryFolder(directory);
  }

  /**
   * The usual directory: in the state directory, or a lasting one where that is mounted noexec.
   *
   * @param inState the state directory's
   * @param root whether the agent is root's
   */
  public static Path directory(Path inState, boolean root, Map<String, String> environment) {
    Path stateDir = inState.getParent();
    if (stateDir == null || !MountOptions.isNoexec(stateDir)) {
      return inState;
    }
    if (root) {
      return Path.of("/var/lib/aliquot/lib");
    }
    String cache = environment.get("XDG_CACHE_HOME");
    return (cache != null && cache.startsWith("/")
            ? Path.of(cache)
            : Path.of(System.getProperty("user.home", "/tmp"), ".cache"))
        .resolve("aliquot/lib");
  }

  /**
   * The two stand-ins.
   *
   * @param cuda preloaded
   * @param nvml preloaded
   * @param compat has them under the real libraries' names, for the search path of a machine
   *     without a driver
   */
  public record Interposer(Path cuda, Path nvml, Path compat) {}

  /**
   * A simulated driver.
   *
   * @param tool the program that makes and inspects nodes
   */
  public record Simulator(Path cuda, Path nvml, Path tool) {}

  public Interposer interposer() throws IOException {
    SortedMap<String, LibraryFolder.Entry> entries = new TreeMap<>();
    entries.put(CUDA, LibraryFolder.Entry.file(bundle.read("interposer/" + CUDA)));
    entries.put(NVML, LibraryFolder.Entry.file(bundle.read("interposer/" + NVML)));
    entries.put("compat/libcuda.so", LibraryFolder.Entry.link("../" + CUDA));
    entries.put("compat/libcuda.so.1", LibraryFolder.Entry.link("../" + CUDA));
    entries.put("compat/libnvidia-ml.so", LibraryFolder.Entry.link("../" + NVML));
    entries.put("compat/libnvidia-ml.so.1", LibraryFolder.Entry.link("../" + NVML));
    Path at = folder.unpack(entries);
    return new Interposer(at.resolve(CUDA), at.resolve(NVML), at.resolve("compat"));
  }

  /**
   * The simulated driver for one node. Its libraries know the node by themselves, so that programs
   * that clear their environment still find it.
   *
   * @param node the node's directory
   * @param branch the driver's branch, such as 580
   */
  public Simulator simulator(Path node, int branch) throws IOException {
    int symbols = branch >= 615 ? 615 : branch >= 580 ? 580 : branch >= 550 ? 550 : 535;
    String from = "simulator/" + symbols + "/";
    SortedMap<String, LibraryFolder.Entry> entries = new TreeMap<>();
    entries.put("libcuda.so.1", LibraryFolder.Entry.file(bundle.read(from + "libcuda.so.1")));
    entries.put(
        "libnvidia-ml.so.1", LibraryFolder.Entry.file(bundle.read(from + "libnvidia-ml.so.1")));
    entries.put("aliquot-sim", LibraryFolder.Entry.file(bundle.read("simulator/aliquot-sim")));
    entries.put(
        "node-dir", LibraryFolder.Entry.file((node + "\n").getBytes(StandardCharsets.UTF_8)));
    Path at = folder.unpack(entries);
    return new Simulator(
        at.resolve("libcuda.so.1"), at.resolve("libnvidia-ml.so.1"), at.resolve("aliquot-sim"));
  }

  /**
   * A library of the machine's own driver, by the places where distributions and container runtimes
   * put it.
   *
   * @throws IOException with a sentence when there is none
   */
  public static Path installed(String name) throws IOException {
    String arch = System.getProperty("os.arch", "").equals("aarch64") ? "aarch64" : "x86_64";
    for (String directory :
        new String[] {
          "/usr/lib/" + arch + "-linux-gnu",
          "/usr/lib64",
          "/usr/lib",
          "/lib64",
          "/usr/local/nvidia/lib64",
          "/usr/lib/wsl/lib",
          "/run/nvidia/driver/usr/lib/" + arch + "-linux-gnu",
          "/run/nvidia/driver/usr/lib64",
          "/run/opengl-driver/lib"
        }) {
      Path file = Path.of(directory, name);
      if (Files.exists(file)) {
        return file.toRealPath();
      }
    }
    throw new IOException(
        "this machine has no "
            + name
            + ": install the NVIDIA driver, name the file (--nvml-library, --cuda-library), or use a simulated node (--simulate devices=2)");
  }
}
