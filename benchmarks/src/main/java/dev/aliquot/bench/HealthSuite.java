package dev.aliquot.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * How long after a fault of a device is written the agent says, to whoever asks, that the device
 * takes no new tenants. Asked over HTTP again and again, so a figure is at most one question late.
 */
final class HealthSuite implements Suite {
  private static final String NODE = "devices=2,memory=1GiB,model=H100";
  private static final String ADDRESS = "device 0 of the simulated node has no address";

  /** How the fault comes to be known. */
  private enum Way {
    LINE("a line of the kernel log"),
    EVENT_AND_LINE("an NVML event and its line"),
    LOST("the device falls off the bus");

    private final String text;

    Way(String text) {
      this.text = text;
    }
  }

  @Override
  public String name() {
    return "health";
  }

  @Override
  public String summary() {
    return "how long after a fault a device takes no new tenants, also among 10 000 programs' faults a second";
  }

  @Override
  public List<Figure> run(Settings settings, Consumer<String> progress)
      throws BenchException, IOException, InterruptedException {
    int rounds = settings.quick() ? 10 : 200;
    List<Figure> figures = new ArrayList<>();
    try (BenchAgent agent = BenchAgent.start(settings, NODE, List.of("--health-hold", "1s"))) {
      for (Way way : Way.values()) {
        progress.accept(rounds + " times " + way.text);
        double[] millis = new double[rounds];
        for (int i = 0; i < rounds; i++) {
          millis[i] = fault(settings, agent, way);
          recover(settings, agent, way);
        }
        Arrays.sort(millis);
        figures.add(figure(way, "median", millis[rounds / 2]));
        figures.add(figure(way, "99th percentile", millis[(rounds * 99 + 99) / 100 - 1]));
      }
      double count = agent.metric("aliquot_fault_reaction_seconds_count", "device_out");
      double sum = agent.metric("aliquot_fault_reaction_seconds_sum", "device_out");
      figures.add(
          new Figure(name(), "by the agent's own clock, mean", sum / count * 1e3, "ms", null, ""));
    }
    figures.addAll(FaultBurst.figures(settings, progress));
    return figures;
  }

  private Figure figure(Way way, String what, double millis) {
    return new Figure(name(), way.text + ", " + what, millis, "ms", null, "< 1000");
  }

  private static double fault(Settings settings, BenchAgent agent, Way way)
      throws IOException, InterruptedException, BenchException {
    String line = record(agent);
    long began = System.nanoTime();
    switch (way) {
      case LINE -> Files.writeString(agent.node().resolve("kmsg"), line, StandardOpenOption.APPEND);
      case EVENT_AND_LINE -> simulate(settings, agent, "xid", "--code", "95");
      case LOST -> simulate(settings, agent, "lost", "--lost", "1");
    }
    while (state(agent).equals("healthy")) {
      if (System.nanoTime() - began > 60_000_000_000L) {
        throw new BenchException("the device stayed healthy for a minute after " + way.text);
      }
    }
    return (System.nanoTime() - began) / 1e6;
  }

  /** As the kernel writes it now. */
  static String record(BenchAgent agent) throws IOException, InterruptedException, BenchException {
    String address = device(agent).path("pciAddress").asText();
    if (address.length() < 3) {
      throw new BenchException(ADDRESS);
    }
    double uptime = Double.parseDouble(Files.readString(Path.of("/proc/uptime")).split(" ")[0]);
    return "6,1,"
        + (long) (uptime * 1e6)
        + ",-;NVRM: Xid (PCI:"
        + address.substring(0, address.length() - 2)
        + "): 95, Uncontained: LTC TAG (0x2,0x0). RST: Yes, D-RST: No\n";
  }

  private static void recover(Settings settings, BenchAgent agent, Way way)
      throws IOException, InterruptedException, BenchException {
    if (way == Way.LOST) {
      simulate(settings, agent, "lost", "--lost", "0");
      Await.that("the device is still lost", () -> !state(agent).equals("lost"));
    }
    // What was seen of this fault by another source must not take the device out once more.
    Thread.sleep(20);
    Await.that(
        "the device is not healthy again",
        () -> {
          clear(agent);
          return state(agent).equals("healthy");
        });
  }

  private static void simulate(Settings settings, BenchAgent agent, String action, String... more)
      throws IOException, InterruptedException, BenchException {
    Path tool = settings.simulator().resolveSibling("aliquot-sim");
    List<String> command = new ArrayList<>(List.of(tool.toString(), action));
    command.addAll(List.of(agent.node().toString(), "--device", "0"));
    command.addAll(List.of(more));
    run(command);
  }

  /** What {@code aliquot health clear} asks, without starting that. */
  static void clear(BenchAgent agent) throws IOException, BenchException {
    Path socket = agent.stateDir().resolve("admin.sock");
    String request = "POST /v1/health-clear/0 HTTP/1.1\r\nHost: agent\r\nContent-Length: 0\r\n\r\n";
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      channel.write(ByteBuffer.wrap(request.getBytes(StandardCharsets.US_ASCII)));
      ByteBuffer answer = ByteBuffer.allocate(4096);
      channel.read(answer);
      String status = new String(answer.array(), 0, answer.position(), StandardCharsets.US_ASCII);
      if (!status.startsWith("HTTP/1.1 200")) {
        throw new BenchException("the device could not be cleared: " + status);
      }
    }
  }

  private static void run(List<String> command)
      throws IOException, InterruptedException, BenchException {
    Process process = new ProcessBuilder(command).inheritIO().start();
    if (process.waitFor() != 0) {
      throw new BenchException(String.join(" ", command) + " failed");
    }
  }

  private static String state(BenchAgent agent) throws IOException, InterruptedException {
    return device(agent).path("state").asText();
  }

  private static JsonNode device(BenchAgent agent) throws IOException, InterruptedException {
    return new ObjectMapper().readTree(agent.answer("/api/v1/devices")).path(0);
  }
}
