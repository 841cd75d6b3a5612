package dev.aliquot.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The same memory without Aliquot, by {@code bench_bare.c} in the same run.
 *
 * @param bytes that were copied and frozen
 * @param outMillis of the copies to pinned host memory alone
 * @param inMillis of the copies back
 * @param freezeMillis of the driver's lock and checkpoint alone; zero where it has none, and where
 *     that says nothing: the simulated driver's copies no byte
 * @param thawMillis of its restore and unlock
 */
record Bare(
    double bytes, double outMillis, double inMillis, double freezeMillis, double thawMillis) {
  private static final double GIB = 1 << 30;

  /** Nothing else may be using the device. */
  static Bare measure(Settings settings, BenchAgent agent, long bytes, long block)
      throws IOException, InterruptedException, BenchException {
    ProcessBuilder builder =
        new ProcessBuilder(
                settings.bareProgram().toString(),
                settings.real()
                    ? "libcuda.so.1"
                    : settings.simulator().resolve("libcuda.so.1").toString(),
                Long.toString(bytes),
                Long.toString(block))
            .redirectError(ProcessBuilder.Redirect.INHERIT);
    if (!settings.real()) {
      builder.environment().put("ALIQUOT_SIM_DIR", agent.node().toString());
    }
    Process process = builder.start();
    String line = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int exit = process.waitFor();
    if (exit != 0) {
      throw new BenchException("the program without Aliquot ended with " + exit);
    }
    JsonNode figures = new ObjectMapper().readTree(line);
    if (figures.path("wrong").asLong() != 0) {
      throw new BenchException(figures.path("wrong") + " words were wrong without Aliquot");
    }
    return new Bare(
        figures.path("bytes").asDouble(),
        figures.path("out_ms").asDouble(),
        figures.path("in_ms").asDouble(),
        settings.real() ? figures.path("freeze_ms").asDouble() : 0,
        settings.real() ? figures.path("thaw_ms").asDouble() : 0);
  }

  /** A way out beside the bare copies and the driver's checkpoint. */
  List<Figure> besideOut(String suite, Move move, String goal) {
    return beside(suite, move, outMillis, freezeMillis, goal);
  }

  /** The same for a way in. */
  List<Figure> besideIn(String suite, Move move, String goal) {
    return beside(suite, move, inMillis, thawMillis, goal);
  }

  private List<Figure> beside(
      String suite, Move move, double copyMillis, double driverMillis, String goal) {
    double rate = move.bytes() / GIB / (move.waitMillis() / 1e3);
    double bareRate = bytes / GIB / (copyMillis / 1e3);
    Figure bus = new Figure(suite, "  rate, bare pinned copies", rate, "GiB/s", bareRate, "");
    Figure ratio = new Figure(suite, "  by bare pinned copies", rate / bareRate, "x", null, goal);
    if (driverMillis == 0) {
      return List.of(bus, ratio);
    }
    double driverRate = bytes / GIB / (driverMillis / 1e3);
    String driverGoal = goal.isEmpty() ? "" : ">= 10 on a GPU";
    return List.of(
        bus,
        ratio,
        new Figure(suite, "  by cuCheckpoint* alone", rate / driverRate, "x", null, driverGoal));
  }
}
