package dev.aliquot.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CommandLineTest {
  @TempDir private Path folder;

  /** What a command leaves: its exit code and what it said on stderr. */
  record Outcome(int code, String err, String out) {}

  private static Outcome run(List<String> arguments) {
    PrintStream errBefore = System.err;
    PrintStream outBefore = System.out;
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
    System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
    try {
      int code = Main.execute(arguments.toArray(String[]::new));
      return new Outcome(
          code, err.toString(StandardCharsets.UTF_8), out.toString(StandardCharsets.UTF_8));
    } finally {
      System.setErr(errBefore);
      System.setOut(outBefore);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"status", "top", "run", "end"})
  void withoutAnAgentACommandSaysHowToStartOneAndNeverDoes(String command) {
    List<String> arguments = new ArrayList<>(List.of(command, "--state-dir", folder.toString()));
    if (command.equals("run")) {
      arguments.addAll(List.of("--gpu-memory", "1GiB", "--", "true"));
    }
    if (command.equals("end")) {
      arguments.add("x");
    }
    Outcome outcome = run(arguments);
    assertThat(outcome.code()).isEqualTo(69);
    assertThat(outcome.err())
        .isEqualTo(
            "aliquot: no agent is running at %s; start one with: aliquot agent --state-dir %s (or name its folder with --state-dir)\n"
                .formatted(folder, folder));
    assertThat(folder).isEmptyDirectory();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "run -- true | say how much: --gpu-memory 4GiB or --gpu-fraction 25",
        "run --gpu-memory 1GiB --gpu-fraction 5 -- true | exclude each other",
        "run --gpu-memory 4QiB -- true | --gpu-memory: '4QiB' has the unknown unit 'QiB'",
        "run --gpu-memory lots -- true | --gpu-memory: 'lots' is not a size such as 4GiB",
        "run --gpu-memory 0 -- true | --gpu-memory: '0' is nothing",
        "run --gpu-memory 99999999TiB -- true | is more than 8 EiB",
        "run --gpu-fraction 0 -- true | whole percentage of a device from 1 to 100",
        "run --gpu-fraction 150 -- true | whole percentage of a device from 1 to 100",
        "run --gpu-memory 1GiB | Missing required parameter: 'CMD'",
        "agent --http-port 99999 | http-port: '99999' is not a port from 0 to 65535",
        "agent --simulate devices=99 | devices: '99' is not a number from 1 to 16",
        "agent --htp-port 1 | Possible solutions: --http-",
        "agent --config /nonexistent.yaml | the configuration file /nonexistent.yaml does not"
            + " exist",
        "top --every 1ms | is not a duration from 100ms to 10m",
        "frobnicate | frobnicate",
        "reference nothing | nothing"
      })
  void badInputIsOneClearSentenceAndExitCode2(String line, String why) {
    Outcome outcome = run(List.of(line.strip().split(" ", -1)));
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).startsWith("aliquot: ").contains(why).doesNotContain("\tat ");
    assertThat(outcome.err().lines().count()).isLessThanOrEqualTo(3);
  }

  @Test
  void aCommandThatDoesNotExistIs127AndOneThatCannotBeRunIs126() {
    Outcome missing = run(List.of("run", "--gpu-memory", "1GiB", "--", "no-such-command-here"));
    assertThat(missing.code()).isEqualTo(127);
    assertThat(missing.err())
        .isEqualTo("aliquot: no-such-command-here: there is no such command\n");
    assertThat(run(List.of("run", "--gpu-memory", "1GiB", "--", folder.toString())).code())
        .isEqualTo(126);
    assertThat(run(List.of("run", "--gpu-memory", "1GiB", "--", folder + "/none")).code())
        .isEqualTo(127);
  }

  @Test
  void everyCommandHasHelpWithAnExampleOrIsTheLaunchers() {
    for (String name : AliquotCommand.commands().keySet()) {
      Outcome outcome = run(List.of(name, "--help"));
      if (name.equals("bench") || name.equals("test") || name.equals("reference")) {
        continue;
      }
      assertThat(outcome.code()).as(name).isZero();
      assertThat(outcome.out()).as(name).contains("Usage: aliquot " + name, "Example");
    }
    assertThat(run(List.of()).out()).contains(AliquotCommand.commands().keySet());
  }

  @Test
  void theTenantsEnvironmentIsOursWithItsLibrariesBeforeWhatIsThere() {
    Map<String, String> merged =
        RunCommand.merged(
            Map.of("PATH", "/bin", "LD_PRELOAD", "/mine.so", "CUDA_VISIBLE_DEVICES", "7"),
            Map.of(
                "LD_PRELOAD",
                "/a.so:/b.so",
                "LD_LIBRARY_PATH",
                "/compat",
                "CUDA_VISIBLE_DEVICES",
                "GPU-1"));
    assertThat(merged)
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "PATH", "/bin",
                "LD_PRELOAD", "/a.so:/b.so:/mine.so",
                "LD_LIBRARY_PATH", "/compat",
                "CUDA_VISIBLE_DEVICES", "GPU-1"));
  }
}
