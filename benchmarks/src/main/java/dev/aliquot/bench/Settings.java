package dev.aliquot.bench;

import java.nio.file.Path;

/**
 * Where things are and how long to take.
 *
 * @param home the folder of the launcher
 * @param quick fewer repetitions: for a look, not for a figure to publish
 * @param real the machine's own GPU, by the suites that can use one; else a simulated one
 */
public record Settings(Path home, boolean quick, boolean real) {

  Path launcher() {
    return home.resolve("aliquot");
  }

  Path tenantProgram() {
    return home.resolve("benchmarks/target/native/bench-tenant");
  }

  Path bareProgram() {
    return home.resolve("benchmarks/target/native/bench-bare");
  }

  Path workingProgram() {
    return home.resolve("benchmarks/target/native/working-tenant");
  }

  Path simulator() {
    return home.resolve("gpu-simulator/target/native/580");
  }

  Path interposerModule() {
    return home.resolve("interposer");
  }
}
