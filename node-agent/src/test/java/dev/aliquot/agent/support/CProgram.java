package dev.aliquot.agent.support;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/** The C programs of src/test/c, compiled once per test run. */
public final class CProgram {
  private static final Map<String, Path> COMPILED = new ConcurrentHashMap<>();

  private CProgram() {}

  /** The executable of src/test/c/NAME.c. */
  public static Path of(String name) {
    return COMPILED.computeIfAbsent(name, key -> compile(key));
  }

  /** The same, linked statically; the test is skipped where there is no static C library. */
  public static Path statically(String name) {
    Assumptions.assumeTrue(
        hasStaticLibrary(), "no statically linked program can be built: there is no libc.a");
    return COMPILED.computeIfAbsent(name + " -static", ignored -> compile(name, "-static"));
  }

  /** The same for the C library musl; the test is skipped where that is not installed. */
  public static Path musl(String name) {
    Assumptions.assumeTrue(
        Files.isExecutable(Path.of("/usr/bin/musl-gcc")), "no musl: Debian's musl-tools has it");
    return COMPILED.computeIfAbsent(
        name + " musl", ignored -> compileBy("/usr/bin/musl-gcc", name));
  }

  private static boolean hasStaticLibrary() {
    // an absolute path where there is one, else the name as it was asked for
    return run(compiler(), "-print-file-name=libc.a").startsWith("/");
  }

  private static String compiler() {
    return System.getenv().getOrDefault("CC", "gcc");
  }

  private static Path module() {
    return Path.of(System.getProperty("basedir", ".")).toAbsolutePath().normalize();
  }

  private static Path compile(String name, String... options) {
    return compileBy(compiler(), name, options);
  }

  private static Path compileBy(String compiler, String name, String... options) {
    try {
      Path folder = Files.createTempDirectory("aliquot-c-");
      folder.toFile().deleteOnExit();
      // Tests run it as other users too.
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
      Path program = folder.resolve(name);
      program.toFile().deleteOnExit();
      List<String> command =
          new ArrayList<>(
              List.of(
                  compiler,
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
                  "-ldl"));
      command.addAll(List.of(options));
      run(command.toArray(String[]::new));
      return program;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String run(String... command) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(60, TimeUnit.SECONDS) || process.exitValue() != 0) {
        throw new IllegalStateException(String.join(" ", command) + " failed: " + said);
      }
      return said;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
