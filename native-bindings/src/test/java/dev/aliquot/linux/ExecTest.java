package dev.aliquot.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.aliquot.testing.Jvm;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExecTest {
  @Test
  void theProgramTakesTheJvmsPlace() throws IOException, InterruptedException {
    Jvm.Result result =
        Jvm.run(
            ExecMain.class,
            Map.of("LEFT_BEHIND", "yes"),
            "/bin/sh",
            "-c",
            "echo pid $$; echo \"$GREETING, $0 $1\"; echo \"[$EMPTY][$LEFT_BEHIND]\"; exit 42",
            "dear",
            "reader");
    List<String> lines = result.output().lines().toList();
    assertThat(lines).hasSize(4);
    assertThat(lines.get(1)).isEqualTo(lines.get(0));
    assertThat(lines.get(2)).isEqualTo("good day, dear reader");
    assertThat(lines.get(3)).isEqualTo("[][]");
    assertThat(result.exitCode()).isEqualTo(42);
  }

  @Test
  void theProgramStartsWithNoSignalBlockedOrIgnoredByTheJvm()
      throws IOException, InterruptedException {
    String script = "grep -E '^Sig(Blk|Ign)' /proc/self/status";
    assertThat(masks(Jvm.run(ExecMain.class, Map.of(), "/bin/sh", "-c", script)))
        .hasSize(2)
        .isEqualTo(masks(shell(script)));
  }

  @Test
  void theProgramInheritsNoDescriptorOfTheJvm() throws IOException, InterruptedException {
    // No pipeline: the shell itself has that open for a moment.
    Jvm.Result result =
        Jvm.run(ExecMain.class, Map.of(), "/bin/sh", "-c", "ls -l /proc/$$/fd; true");
    assertThat(result.output()).contains(" 0 -> ");
    assertThat(result.output().lines().skip(2).filter(line -> !line.matches(".* [012] -> .*")))
        .isEmpty();
  }

  @Test
  void aProgramThatIsMissingLeavesTheProcessAsItWas(@TempDir Path folder) throws IOException {
    Path missing = folder.resolve("none");
    assertThatThrownBy(() -> Exec.replace(missing, List.of("none"), Map.of()))
        .isInstanceOf(LinuxException.class)
        .hasMessage(
            "execve(%s) failed with ENOENT: there is no such file or folder".formatted(missing));
    Path text = Files.writeString(folder.resolve("text"), "no program\n");
    text.toFile().setExecutable(true);
    assertThatThrownBy(() -> Exec.replace(text, List.of("text"), Map.of()))
        .isInstanceOfSatisfying(
            LinuxException.class, e -> assertThat(e.is(Errno.ENOEXEC)).isTrue());
  }

  @Test
  void commandsAreFoundAsAShellDoes(@TempDir Path folder) throws IOException {
    Path tool = Files.createFile(folder.resolve("tool"));
    assertThat(Exec.find("tool", folder.toString())).isEmpty();
    tool.toFile().setExecutable(true);
    assertThat(Exec.find("tool", "/nowhere:" + folder)).contains(tool);
    assertThat(Exec.find("./tool", "/nowhere")).contains(Path.of("./tool"));
    assertThat(Exec.find("sh", null)).isPresent();
    assertThat(Exec.find("", "/bin")).isEmpty();
  }

  /** Masks of the signals 1 to 31; the C library keeps the next two for itself. */
  private static List<Long> masks(Jvm.Result result) {
    return result
        .output()
        .lines()
        .filter(line -> line.startsWith("Sig"))
        .map(line -> Long.parseUnsignedLong(line.replaceAll(".*\\s", ""), 16) & 0x7fff_ffffL)
        .toList();
  }

  private static Jvm.Result shell(String script) throws IOException, InterruptedException {
    Process process = new ProcessBuilder("/bin/sh", "-c", script).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Jvm.Result(process.waitFor(), output);
  }
}
