package dev.aliquot.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.stream.StreamSupport;

/**
 * Programs' faults at 10 000 lines a second, each of another process than the one before, and among
 * them faults of five devices: whether each of those is found, how soon, and what it takes of
 * memory.
 */
final class FaultBurst {
  private static final int DEVICES = 8;
  private static final Duration STEP = Duration.ofMillis(10);
  private static final int LINES_PER_STEP = 100;
  private static final int PROCESSES = 5000;
  private static final int PROGRAMS = 31;

  /** What takes out devices 0 to 4: with the first line, a quarter on, in the middle, and so on. */
  private static final int[] FATAL = {143, 95, 61, 119, 54};

  private final BenchAgent agent;
  private final int steps;
  private final List<String> addresses = new ArrayList<>();

  /** When the fault of each device was written, and when the device was first seen to be out. */
  private final long[] writtenNanos = new long[FATAL.length];

  private final long[] outNanos = new long[FATAL.length];
  private double mostMiB;

  private FaultBurst(BenchAgent agent, Duration time) {
    this.agent = agent;
    this.steps = (int) (time.toNanos() / STEP.toNanos());
  }

  /**
   * Figures of a burst.
   *
   * @throws BenchException where a device's fault is missed, or a line
   */
  static List<Figure> figures(Settings settings, Consumer<String> progress)
      throws BenchException, IOException, InterruptedException {
    Duration time = Duration.ofSeconds(settings.quick() ? 2 : 10);
    List<String> everyDeviceMayBeOut = List.of("--health-device-breaker", "100");
    try (BenchAgent agent =
        BenchAgent.start(
            settings, "devices=" + DEVICES + ",memory=1GiB,model=H100", everyDeviceMayBeOut)) {
      progress.accept("10 000 lines a second for " + time.toSeconds() + " s");
      return new FaultBurst(agent, time).run();
    }
  }

  private List<Figure> run() throws BenchException, IOException, InterruptedException {
    for (JsonNode device : json("/api/v1/devices")) {
      addresses.add(device.path("pciAddress").asText().replaceFirst("\\.0$", ""));
    }
    double beforeMiB = agent.residentMiB();
    double earlier = records();
    double seconds = write();
    long ended = System.nanoTime();
    double lines = steps * (double) LINES_PER_STEP;
    Await.that("not every line is read", () -> look() && records() - earlier >= lines);
    double behind = (System.nanoTime() - ended) / 1e6;
    check();
    double slowest = 0;
    for (int device = 0; device < FATAL.length; device++) {
      slowest = Math.max(slowest, (outNanos[device] - writtenNanos[device]) / 1e6);
    }
    return List.of(
        figure("lines a second, for " + steps / 100 + " s", lines / seconds, "", ""),
        figure("devices' faults missed, of " + FATAL.length, 0, "", "0"),
        figure("slowest until its device is out", slowest, "ms", "< 1000"),
        figure("last line read after its writing", behind, "ms", "< 1000"),
        figure("resident size, before", beforeMiB, "MiB", ""),
        figure("resident size, most meanwhile", mostMiB, "MiB", "< 160"),
        figure("resident size, after", agent.residentMiB(), "MiB", "< 160"));
  }

  private static Figure figure(String what, double value, String unit, String goal) {
    return new Figure("health", "burst: " + what, value, unit, null, goal);
  }

  /** A step each 10 ms, or as soon as the machine can; answers how many seconds it took. */
  private double write() throws IOException, InterruptedException {
    Path log = agent.node().resolve("kmsg");
    long began = System.nanoTime();
    for (int step = 0; step < steps; step++) {
      String lines = step(step);
      for (int device = 0; device < FATAL.length; device++) {
        writtenNanos[device] = fatalStep(device) == step ? System.nanoTime() : writtenNanos[device];
      }
      Files.writeString(log, lines, StandardOpenOption.APPEND);
      if (step % 2 == 0) {
        look();
      }
      long next = began + STEP.toNanos() * (step + 1);
      LockSupport.parkNanos(next - System.nanoTime());
    }
    return (System.nanoTime() - began) / 1e9;
  }

  private int fatalStep(int device) {
    return device * (steps - 1) / (FATAL.length - 1);
  }

  private String step(int step) throws IOException {
    double uptime = Double.parseDouble(Files.readString(Path.of("/proc/uptime")).split(" ")[0]);
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < LINES_PER_STEP; i++) {
      int line = step * LINES_PER_STEP + i;
      int device = line % DEVICES;
      int code = PROGRAMS;
      for (int fatal = 0; fatal < FATAL.length; fatal++) {
        if (fatalStep(fatal) == step && i == LINES_PER_STEP / 2) {
          device = fatal;
          code = FATAL[fatal];
        }
      }
      lines
          .append("6,")
          .append(line)
          .append(',')
          .append((long) (uptime * 1e6))
          .append(",-;NVRM: Xid (PCI:")
          .append(addresses.get(device))
          .append("): ")
          .append(code)
          .append(", pid=")
          .append(100_000 + line % PROCESSES)
          .append(", name=python3, Ch 00000008\n");
    }
    return lines.toString();
  }

  /** Sees which devices are out, and how large the agent is; whether all are out that should be. */
  private boolean look() throws IOException, InterruptedException {
    mostMiB = Math.max(mostMiB, agent.residentMiB());
    JsonNode devices = json("/api/v1/devices");
    boolean all = true;
    for (int device = 0; device < FATAL.length; device++) {
      boolean in = isIn(devices.path(device));
      outNanos[device] = outNanos[device] == 0 && !in ? System.nanoTime() : outNanos[device];
      all &= outNanos[device] != 0;
    }
    return all;
  }

  private static boolean isIn(JsonNode device) {
    String state = device.path("state").asText();
    return state.equals("healthy") || state.equals("suspect");
  }

  /** That each fault is told once, that nobody else is out, and that no line was lost. */
  private void check() throws IOException, InterruptedException, BenchException {
    JsonNode devices = json("/api/v1/devices");
    JsonNode faults = json("/api/v1/faults");
    for (int device = 0; device < DEVICES; device++) {
      String uuid = devices.path(device).path("uuid").asText();
      String code = device < FATAL.length ? Integer.toString(FATAL[device]) : "";
      List<String> told =
          StreamSupport.stream(faults.spliterator(), false)
              .filter(fault -> fault.path("device").asText().equals(uuid))
              .map(fault -> fault.path("code").asText())
              .filter(each -> !each.equals(Integer.toString(PROGRAMS)))
              .toList();
      if (!told.equals(code.isEmpty() ? List.of() : List.of(code))) {
        throw new BenchException(
            "device " + device + " had XID '" + code + "' once, and told is " + told);
      }
      if (code.isEmpty() && !isIn(devices.path(device))) {
        throw new BenchException("device " + device + " is out, and had nothing");
      }
    }
    if (agent.metric("aliquot_kernel_log_lost_total", "") != 0) {
      throw new BenchException("lines of the kernel log were lost");
    }
  }

  private double records() throws IOException, InterruptedException {
    return agent.metric("aliquot_kernel_log_records_total", "");
  }

  private JsonNode json(String path) throws IOException, InterruptedException {
    return new ObjectMapper().readTree(agent.answer(path));
  }
}
