package dev.aliquot.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A {@code bench-tenant}: it stays until closed. */
final class BenchTenant implements AutoCloseable {

  private static final String ALLOCATION_BYTES = Integer.toString(2 << 20);

  private final Process process;
  private final int count;

  private BenchTenant(ProcessBuilder builder, int count) throws IOException {
    this.process = builder.redirectError(ProcessBuilder.Redirect.INHERIT).start();
    this.count = count;
  }

  /** On the agent's simulated node, without Aliquot. */
  static BenchTenant bare(Settings settings, BenchAgent agent, int count) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(
            settings.tenantProgram().toString(),
            settings.simulator().resolve("libcuda.so.1").toString(),
            ALLOCATION_BYTES,
            Integer.toString(count));
    builder.environment().put("ALIQUOT_SIM_DIR", agent.node().toString());
    return new BenchTenant(builder, count);
  }

  /** The same as a tenant. */
  static BenchTenant tenant(Settings settings, BenchAgent agent, String name, int count)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.addAll(List.of(settings.launcher().toString(), "run"));
    command.addAll(List.of("--state-dir", agent.stateDir().toString(), "--name", name));
    command.addAll(List.of("--gpu-memory", count == 1 ? "1GiB" : "24GiB", "--"));
    command.addAll(
        List.of(
            settings.tenantProgram().toString(),
            "libcuda.so.1",
            ALLOCATION_BYTES,
            Integer.toString(count)));
    return new BenchTenant(new ProcessBuilder(command), count);
  }

  /** Microseconds in cuInit, by process, in the order in which they started. */
  double[] initMicros() throws IOException, BenchException {
    BufferedReader output =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    double[] micros = new double[count];
    for (int i = 0; i < count; i++) {
      String line = output.readLine();
      if (line == null) {
        throw new BenchException("a tenant ended before it had measured");
      }
      micros[i] = new ObjectMapper().readTree(line).path("init_us").asDouble();
    }
    return micros;
  }

  @Override
  public void close() {
    Ending.of(process);
  }
}
