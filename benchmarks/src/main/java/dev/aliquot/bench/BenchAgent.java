package dev.aliquot.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** An agent of its own, in a folder of its own that goes with it. */
final class BenchAgent implements AutoCloseable {

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final long CLOCK_TICKS_PER_SECOND = 100;

  private static final HttpClient CLIENT = HttpClient.newHttpClient();

  private final Path stateDir;
  private final Process process;
  private final Duration startTime;
  private final String http;

  private BenchAgent(Path stateDir, Process process, Duration startTime, String http) {
    this.stateDir = stateDir;
    this.process = process;
    this.startTime = startTime;
    this.http = http;
  }

  /** Starts it and waits until it is ready. */
  static BenchAgent start(Settings settings, int devices)
      throws IOException, InterruptedException, BenchException {
    return start(settings, "devices=" + devices + ",memory=80GiB,model=H100", List.of());
  }

  /**
   * The same with a node of one's choice.
   *
   * @param node to simulate; empty: the machine's own devices
   * @param more arguments of {@code aliquot agent}
   */
  static BenchAgent start(Settings settings, String node, List<String> more)
      throws IOException, InterruptedException, BenchException {
    Path stateDir = Files.createTempDirectory("aliquot-bench");
    Path log = stateDir.resolve("agent.log");
    List<String> command =
        new ArrayList<>(
            List.of(
                settings.launcher().toString(),
                "agent",
                "--state-dir",
                stateDir.toString(),
                "--http-port",
                "0"));
    command.addAll(node.isEmpty() ? List.of() : List.of("--simulate", node));
    command.addAll(more);
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
    long began = System.nanoTime();
    Process process = builder.start();
    String http = null;
    while (http == null || !ready(http)) {
      if (!process.isAlive() || System.nanoTime() - began > PATIENCE.toNanos()) {
        process.destroy();
        throw new BenchException("the agent did not get ready: " + Files.readString(log));
      }
      Thread.sleep(5);
      http = address(stateDir);
    }
    return new BenchAgent(stateDir, process, Duration.ofNanos(System.nanoTime() - began), http);
  }

  private static @Nullable String address(Path stateDir) throws IOException {
    Path file = stateDir.resolve("agent.json");
    if (!Files.exists(file)) {
      return null;
    }
    JsonNode node = new ObjectMapper().readTree(Files.readString(file));
    String text = node.path("http").asText("");
    return text.isEmpty() ? null : text.startsWith("http") ? text : "http://" + text;
  }

  private static boolean ready(String http) throws InterruptedException {
    try {
      return get(http + "/readyz").statusCode() == 200;
    } catch (IOException e) {
      return false;
    }
  }

  private static HttpResponse<String> get(String address) throws IOException, InterruptedException {
    return CLIENT.send(
        HttpRequest.newBuilder(URI.create(address)).timeout(PATIENCE).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  Path stateDir() {
    return stateDir;
  }

  Path node() {
    return stateDir.resolve("node");
  }

  Duration startTime() {
    return startTime;
  }

  double residentMiB() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/" + process.pid() + "/status"))) {
      if (line.startsWith("VmRSS:")) {
        return Double.parseDouble(line.replaceAll("[^0-9]", "")) / 1024;
      }
    }
    throw new IOException("the agent's resident size is not in /proc");
  }

  /** Share of one processor over two seconds. */
  double processorPercent() throws IOException, InterruptedException {
    long before = ticks();
    long began = System.nanoTime();
    Thread.sleep(2000);
    double seconds = (System.nanoTime() - began) / 1e9;
    return (ticks() - before) * 100.0 / CLOCK_TICKS_PER_SECOND / seconds;
  }

  private long ticks() throws IOException {
    String stat = Files.readString(Path.of("/proc/" + process.pid() + "/stat"));
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    return Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
  }

  double meanSampleMicros() throws IOException, InterruptedException, BenchException {
    double count = metric("aliquot_ground_truth_sample_seconds_count", "");
    if (count == 0) {
      throw new BenchException("the agent's metrics hold no ground-truth reading");
    }
    return metric("aliquot_ground_truth_sample_seconds_sum", "") / count * 1e6;
  }

  /**
   * The sum of a metric's samples.
   *
   * @param label what has to stand among their labels, such as {@code direction="demoted"}
   */
  double metric(String name, String label) throws IOException, InterruptedException {
    return get(http + "/metrics")
        .body()
        .lines()
        .filter(line -> line.startsWith(name + "{") || line.startsWith(name + " "))
        .filter(line -> line.contains(label))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  /** What it answers to GET. */
  String answer(String path) throws IOException, InterruptedException {
    return get(http + path).body();
  }

  /** Until so much of the host pool is made ahead. */
  void awaitPrepared(long bytes) throws IOException, InterruptedException, BenchException {
    Await.that(
        "the host pool is not made", () -> metric("aliquot_host_pool_prepared_bytes", "") >= bytes);
  }

  /** Until all tenants have ended. */
  void awaitNobody() throws IOException, InterruptedException, BenchException {
    Await.that("a tenant has not ended", () -> metric("aliquot_tenant_memory_used_bytes", "") == 0);
  }

  @Override
  public void close() throws IOException {
    process.destroy();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    delete(stateDir);
  }

  /** Removes a folder with all that is in it. */
  static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (var paths = Files.walk(folder)) {
      for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    }
  }
}
