package dev.aliquot.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A {@code working-tenant} that is told what to do; it ends when it is closed. */
final class BenchProgram implements AutoCloseable {
  private final String name;
  private final Process process;
  private final BufferedReader answers;
  private final Writer commands;

  /**
   * Starts it as a tenant.
   *
   * @param share options of {@code aliquot run}
   */
  BenchProgram(Settings settings, BenchAgent agent, String name, List<String> share)
      throws IOException, BenchException {
    this.name = name;
    List<String> command = new ArrayList<>(List.of(settings.launcher().toString(), "run"));
    command.addAll(List.of("--state-dir", agent.stateDir().toString(), "--name", name));
    command.addAll(share);
    command.addAll(List.of("--", settings.workingProgram().toString()));
    this.process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    this.answers =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    this.commands = process.outputWriter(StandardCharsets.UTF_8);
    must("init");
  }

  String name() {
    return name;
  }

  /** One command, one answer. */
  String say(String command) throws IOException, BenchException {
    commands.write(command + "\n");
    commands.flush();
    String answer = answers.readLine();
    if (answer == null) {
      throw new BenchException(name + " ended at '" + command + "'");
    }
    return answer;
  }

  /** A command that answers 0. */
  void must(String command) throws IOException, BenchException {
    String answer = say(command);
    if (!answer.equals("0")) {
      throw new BenchException(name + " answered " + answer + " to '" + command + "'");
    }
  }

  /** Milliseconds that the allocation took. */
  double grow(long bytes) throws IOException, BenchException {
    return timed("grow " + bytes);
  }

  /** Milliseconds that the first launch took; all data has been read since. */
  double check() throws IOException, BenchException {
    return timed("check");
  }

  private double timed(String command) throws IOException, BenchException {
    String[] answer = say(command).split(" ");
    if (!answer[0].equals("0")) {
      throw new BenchException(name + " was refused '" + command + "': error " + answer[0]);
    }
    return Double.parseDouble(answer[1]) / 1e3;
  }

  /** How many words were ever wrong. */
  long wrongWords() throws IOException, BenchException {
    return report()[1];
  }

  /** How often it has checked everything so far, each time with every word right. */
  long rounds() throws IOException, BenchException {
    long[] report = report();
    if (report[1] != 0) {
      throw new BenchException(report[1] + " words of " + name + " were wrong");
    }
    return report[0];
  }

  private long[] report() throws IOException, BenchException {
    String answer = say("report");
    if (!answer.matches("[0-9]+ [0-9]+")) {
      throw new BenchException(name + " cannot compute any more: " + answer);
    }
    return Arrays.stream(answer.split(" ")).mapToLong(Long::parseLong).toArray();
  }

  @Override
  public void close() {
    Ending.of(process);
  }
}
