package dev.aliquot.cli.demo;

import dev.aliquot.cli.program.SelfCommand;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * One tenant of the demo: {@code aliquot run} with the demo's program, its lines gathered as they
 * come. Thread-safe.
 */
final class DemoTenant {
  private final String name;
  private final int percent;
  private final Process process;
  private final List<Event> events = new CopyOnWriteArrayList<>();
  private final List<String> complaints = new CopyOnWriteArrayList<>();
  private final List<Thread> readers = new ArrayList<>();

  private DemoTenant(String name, int percent, Process process) {
    this.name = name;
    this.percent = percent;
    this.process = process;
    readers.add(
        Thread.ofVirtual()
            .start(
                () ->
                    read(
                        process.inputReader(StandardCharsets.UTF_8),
                        line -> events.add(Event.parse(System.nanoTime(), line)))));
    readers.add(
        Thread.ofVirtual()
            .start(
                () ->
                    read(
                        new BufferedReader(
                            new InputStreamReader(
                                process.getErrorStream(), StandardCharsets.UTF_8)),
                        complaints::add)));
  }

  static DemoTenant start(
      String name, int percent, int device, Path stateDir, Path program, List<String> arguments)
      throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                "run",
                "--state-dir",
                stateDir.toString(),
                "--gpu-fraction",
                Integer.toString(percent),
                "--device",
                Integer.toString(device),
                "--name",
                name,
                "--",
                program.toString()));
    command.addAll(arguments);
    return new DemoTenant(name, percent, new ProcessBuilder(SelfCommand.of(command)).start());
  }

  private interface LineTaker {
    void take(String line);
  }

  private static void read(BufferedReader lines, LineTaker taker) {
    try (lines) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        taker.take(line);
      }
    } catch (IOException processIsGone) {
      return;
    }
  }

  String name() {
    return name;
  }

  int percent() {
    return percent;
  }

  boolean isRunning() {
    return process.isAlive();
  }

  /** Its exit code, once it has ended and all its lines are here. */
  int exitCode() throws InterruptedException {
    int code = process.waitFor();
    for (Thread reader : readers) {
      reader.join();
    }
    return code;
  }

  void kill() {
    process.destroyForcibly();
  }

  /** What it wrote to stderr. */
  List<String> complaints() {
    return List.copyOf(complaints);
  }

  Optional<Event> first(String eventName) {
    return events.stream().filter(event -> event.name().equals(eventName)).findFirst();
  }

  Optional<Event> last(String eventName) {
    return events.stream()
        .filter(event -> event.name().equals(eventName))
        .reduce((earlier, later) -> later);
  }

  /** Rounds of work that ended after a moment. */
  long roundsAfter(long nanoTime) {
    return events.stream()
        .filter(event -> event.name().equals("round") && event.nanoTime() - nanoTime > 0)
        .count();
  }
}
