package dev.aliquot.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Runs the C harness, {@code interposer/src/test/c/bench.c}: alternating with and without the
 * library, medians.
 */
final class InterposerSuite implements Suite {

  @Override
  public String name() {
    return "interposer";
  }

  @Override
  public String summary() {
    return "what the library inside a tenant costs, on the simulator";
  }

  @Override
  public List<Figure> run(Settings settings, Consumer<String> progress)
      throws BenchException, InterruptedException {
    progress.accept("C harness");
    JsonNode output = harness(settings);
    List<Figure> figures = new ArrayList<>();
    figures.add(pair("kernel launch", output.path("launch"), "ns", "< 30 added"));
    figures.add(
        pair(
            "allocate 2 MiB and free, within credit",
            output.path("allocate_and_free"),
            "ns",
            "< 1000 added"));
    figures.add(
        pair(
            "start of a process without CUDA", output.path("process_start"), "us", "< 1000 added"));
    for (JsonNode attach : output.path("attach")) {
      figures.add(
          new Figure(
              name(),
              "cuInit, " + attach.path("processes").asInt() + " at the same moment (test agent)",
              attach.path("median_us").asDouble() / 1e3,
              "ms",
              null,
              ""));
    }
    return figures;
  }

  private Figure pair(String name, JsonNode node, String unit, String goal) throws BenchException {
    if (!node.has("with_" + unit)) {
      throw new BenchException("the C harness says nothing of: " + name);
    }
    return new Figure(
        name(),
        name,
        node.path("with_" + unit).asDouble(),
        unit,
        node.path("without_" + unit).asDouble(),
        goal);
  }

  private static JsonNode harness(Settings settings) throws BenchException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder("make", "-s", "-C", settings.interposerModule().toString(), "bench")
            .redirectError(ProcessBuilder.Redirect.INHERIT);
    try {
      Process process = builder.start();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      int exit = process.waitFor();
      if (exit != 0) {
        throw new BenchException("make bench in interposer/ ended with " + exit);
      }
      return new ObjectMapper().readTree(output);
    } catch (IOException e) {
      throw new BenchException("the C harness: " + e.getMessage(), e);
    }
  }
}
