package dev.aliquot.daemonset;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/** Prometheus and its promtool, where scripts/real-parts has fetched them. */
final class PrometheusPart {
  private PrometheusPart() {}

  /** The program beside promtool; the test is skipped where it has not been fetched. */
  static Path program(String name) throws IOException, InterruptedException {
    Path script = Path.of("../scripts/real-parts").toAbsolutePath();
    Process process = new ProcessBuilder(script.toString(), "path", "promtool").start();
    String promtool = output(process).strip();
    Assumptions.assumeTrue(
        process.waitFor() == 0 && !promtool.isEmpty(),
        "Prometheus has not been fetched: scripts/real-parts fetch promtool");
    return Path.of(promtool).resolveSibling(name);
  }

  /** Runs promtool, which must be content. */
  static void promtool(String... arguments) throws IOException, InterruptedException {
    List<String> command = new java.util.ArrayList<>(List.of(program("promtool").toString()));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = output(process);
    assertThat(process.waitFor()).as(said).isZero();
  }

  private static String output(Process process) throws IOException {
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }
}
