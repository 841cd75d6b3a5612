package dev.aliquot.plugin.support;

import dev.aliquot.plugin.Plugin;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A plugin in a process of its own, to be killed. It binds slowly while a file says so. */
public final class PluginProcess implements AutoCloseable {
  private final Path folder;
  private final Process process;

  private PluginProcess(Path folder, Process process) {
    this.folder = folder;
    this.process = process;
  }

  /** Starts one for a kubelet's folder. */
  public static PluginProcess start(Path folder, int devices) throws IOException {
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-Xmx128m",
            "-cp",
            System.getProperty("java.class.path"),
            PluginProcess.class.getName(),
            folder.toString(),
            String.valueOf(devices));
    return new PluginProcess(
        folder,
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("log").toFile()))
            .start());
  }

  /** From now on nothing is bound until {@link #letBind}. */
  public static void holdBind(Path folder) throws IOException {
    Files.createFile(folder.resolve("hold"));
  }

  /** Binding goes on. */
  public static void letBind(Path folder) throws IOException {
    Files.delete(folder.resolve("hold"));
    Files.deleteIfExists(folder.resolve("binding"));
  }

  /** Whether something is being bound. */
  public boolean isBinding() {
    return Files.exists(folder.resolve("binding"));
  }

  /** As the kernel does when memory is short: SIGKILL. */
  public void kill() {
    process.destroyForcibly().onExit().join();
  }

  @Override
  public void close() {
    kill();
  }

  /** The process. */
  public static void main(String[] arguments) throws InterruptedException {
    Path folder = Path.of(arguments[0]);
    FakeNode node = new FakeNode(Integer.parseInt(arguments[1]));
    node.beforeBind = (grant, container) -> waitWhileHeld(folder);
    try (Plugin plugin = Plugin.start(KubeletNode.options(folder), node, System::nanoTime)) {
      Thread.currentThread().join();
      System.out.println(plugin.view());
    }
  }

  private static void waitWhileHeld(Path folder) {
    try {
      while (Files.exists(folder.resolve("hold"))) {
        Files.writeString(folder.resolve("binding"), "");
        Thread.sleep(5);
      }
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
