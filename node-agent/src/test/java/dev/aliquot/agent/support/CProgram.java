package dev.aliquot.agent.support;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** The C programs of src/test/c, compiled once per test run. */
public final class CProgram {
  private static final Map<String, Path> COMPILED = new ConcurrentHashMap<>();

  private CProgram() {}

  /** The executable of src/test/c/NAME.c. */
  public static Path of(String name) {
    return COMPILED.computeIfAbsent(name, CProgram::compile);
  }

  private static Path module() {
    return Path.of(System.getProperty("basedir", ".")).toAbsolutePath().normalize();
  }

  private static Path compile(String name) {
    try {
      Path folder = Files.createTempDirectory("aliquot-c-");
      folder.toFile().deleteOnExit();
      // Tests run it as other users too.
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
      Path program = folder.resolve(name);
      program.toFile().deleteOnExit();
      Process gcc =
          new ProcessBuilder(
                  System.getenv().getOrDefault("CC", "gcc"),
                  "-std=gnu11",
                  "-Wall",
                  "-Wextra",
                  "-Werror",
                  "-O2",
                  "-D_GNU_SOURCE",
                  "-I",
                  module().resolve("../interposer/src/main/c").toString(),
                  module().resolve("src/test/c/" + name + ".c").toString(),
                  "-o",
                  program.toString(),
                  "-ldl")
              .redirectErrorStream(true)
              .start();
      String said =
          new String(gcc.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
      if (!gcc.waitFor(60, TimeUnit.SECONDS) || gcc.exitValue() != 0) {
        throw new IllegalStateException(name + ".c does not compile: " + said);
      }
      return program;
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
