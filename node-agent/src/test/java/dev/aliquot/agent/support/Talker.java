package dev.aliquot.agent.support;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A process that answers each line with a line. */
public final class Talker implements AutoCloseable {
  /** A program that is away from its device may wait for its turn for minutes before it answers. */
  private static final long PATIENCE_SECONDS = Eventually.TURNS.toSeconds();

  /** One that waits for its answer is in nobody's way. */
  private static final Executor READERS = Executors.newVirtualThreadPerTaskExecutor();

  private final Process process;
  private final Writer in;
  private final BufferedReader out;

  private Talker(Process process) {
    this.process = process;
    this.in = new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8);
    this.out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  /** Starts a program with these variables added to the environment; LD_PRELOAD only there. */
  public static Talker start(Map<String, String> environment, Path program, String... arguments) {
    List<String> command = new ArrayList<>(List.of(program.toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().putAll(environment);
    try {
      return new Talker(builder.start());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Says a line; answers what comes back, "(ended)" when the process did. */
  public String say(String line) {
    tell(line);
    return answer();
  }

  /** Says a line without waiting for the answer. */
  public void tell(String line) {
    try {
      in.write(line + "\n");
      in.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The next answer. */
  public String answer() {
    try {
      String line =
          CompletableFuture.supplyAsync(this::line, READERS)
              .get(PATIENCE_SECONDS, TimeUnit.SECONDS);
      return line == null ? "(ended)" : line;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException("no answer within " + PATIENCE_SECONDS + " s", e);
    }
  }

  public int pid() {
    return (int) process.pid();
  }

  public boolean isAlive() {
    return process.isAlive();
  }

  /** kill -9. */
  public void kill() {
    process.destroyForcibly();
    try {
      process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    kill();
  }

  private String line() {
    try {
      return out.readLine();
    } catch (IOException e) {
      return null;
    }
  }
}
