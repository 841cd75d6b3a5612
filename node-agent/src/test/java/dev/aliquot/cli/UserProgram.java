package dev.aliquot.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.aliquot.agent.support.Talker;
import dev.aliquot.cli.program.PackedProgram;
import dev.aliquot.cli.program.SelfCommand;
import dev.aliquot.linux.Identity;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The program in a folder where every user can read it, run as users without privileges. Users are
 * numbers: they need no account.
 */
final class UserProgram implements AutoCloseable {
  private final Path folder;
  private final String classPath;

  /** A user, in a group of the same number and in these others. */
  record User(int uid, List<Integer> groups) {
    static final User ROOT = new User(0, List.of());

    /** The command as this user, in the same process. */
    List<String> command(List<String> command) {
      if (uid == 0) {
        return command;
      }
      List<String> all = new ArrayList<>(List.of("setpriv", "--reuid=" + uid, "--regid=" + uid));
      all.add(
          groups.isEmpty()
              ? "--clear-groups"
              : "--groups=" + String.join(",", groups.stream().map(String::valueOf).toList()));
      all.add("--inh-caps=-all");
      all.addAll(command);
      return all;
    }
  }

  /** What a command leaves. */
  record Outcome(int code, String out, String err) {}

  private UserProgram(Path folder, String classPath) {
    this.folder = folder;
    this.classPath = classPath;
  }

  /** Installs it; the test is skipped where it cannot be run as other users. */
  static UserProgram install() throws Exception {
    assumeTrue(Identity.effectiveUserId() == 0, "running as another user needs root");
    User nobody = new User(65534, List.of());
    assumeTrue(succeeds(nobody.command(List.of("true"))), "there is no setpriv, or it may not");
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    assumeTrue(
        succeeds(nobody.command(List.of("test", "-x", java))),
        "other users cannot execute " + java);
    Path folder = PackedProgram.temporaryFolder("alq-users-");
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    List<String> copies = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
      if (Files.exists(Path.of(entry)) && !entry.endsWith("test-classes")) {
        copies.add(copy(Path.of(entry), folder.resolve("class-path-" + copies.size())));
      }
    }
    return new UserProgram(folder, String.join(File.pathSeparator, copies));
  }

  private static String copy(Path from, Path to) throws IOException {
    try (var files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Path target = file.equals(from) ? to : to.resolve(from.relativize(file).toString());
        Files.copy(file, target);
        Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rwxr-xr-x"));
      }
    }
    return to.toString();
  }

  private static boolean succeeds(List<String> command) throws Exception {
    try {
      return new ProcessBuilder(command).directory(new File("/")).start().waitFor() == 0;
    } catch (IOException e) {
      return false;
    }
  }

  /** Root's, and readable by everybody. */
  Path folder() {
    return folder;
  }

  /** A new folder of the user's, for that user alone. */
  Path folderOf(User user, String name) throws IOException {
    Path made = Files.createDirectory(folder.resolve(name));
    Files.setPosixFilePermissions(made, PosixFilePermissions.fromString("rwx------"));
    Files.setAttribute(made, "unix:uid", user.uid());
    return made;
  }

  private List<String> command(User user, String... arguments) {
    List<String> command = SelfCommand.of(List.of(arguments));
    command.set(command.indexOf("-cp") + 1, classPath);
    return user.command(command);
  }

  private ProcessBuilder builder(User user, Map<String, String> environment, String... arguments) {
    ProcessBuilder builder = new ProcessBuilder(command(user, arguments));
    builder.directory(folder.toFile());
    builder.environment().remove("XDG_RUNTIME_DIR");
    builder.environment().putAll(environment);
    return builder;
  }

  /** Runs a command to its end. */
  Outcome run(User user, Map<String, String> environment, String... arguments) throws Exception {
    Path err = Files.createTempFile(folder, "err", "");
    Process process = builder(user, environment, arguments).redirectError(err.toFile()).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return new Outcome(process.exitValue(), out, Files.readString(err));
  }

  /** Starts a command that goes on, with a umask that leaves others nothing. */
  Process start(User user, Map<String, String> environment, Path log, String... arguments)
      throws IOException {
    ProcessBuilder builder = builder(user, environment, arguments);
    builder.command().addAll(0, List.of("sh", "-c", "umask 077; exec \"$@\"", "sh"));
    return builder.redirectErrorStream(true).redirectOutput(log.toFile()).start();
  }

  /** Starts a command that answers lines. */
  Talker talk(User user, Map<String, String> environment, String... arguments) {
    List<String> command = new ArrayList<>(List.of("-u", "XDG_RUNTIME_DIR"));
    environment.forEach((name, value) -> command.add(name + "=" + value));
    command.addAll(command(user, arguments));
    return Talker.start(Map.of(), Path.of("/usr/bin/env"), command.toArray(String[]::new));
  }

  @Override
  public void close() {
    PackedProgram.delete(folder);
  }
}
