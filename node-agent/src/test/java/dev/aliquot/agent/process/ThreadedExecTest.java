package dev.aliquot.agent.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * {@code aliquot run} becomes the tenant's command by execve from a thread that is not its first.
 */
class ThreadedExecTest {
  private static final int RUNS = 3000;
  private static final int LOOKS = 1000;
  private static final int PLENTY = 100_000_000;

  private final ProcFs proc = ProcFs.system();
  private Process process;

  @AfterEach
  void stop() {
    process.destroyForcibly();
  }

  /** How often it has run itself; its last argument is how often it still will. */
  private int runs(ProcessId id) {
    String command = proc.commandLine(id.pid()).orElse("");
    String left = command.substring(command.lastIndexOf(' ') + 1);
    return left.matches("\\d{1,9}") ? PLENTY - Integer.parseInt(left) : 0;
  }

  @Test
  void aProcessThatCallsExecveFromAnotherThreadIsNeverTakenForDead()
      throws IOException, InterruptedException {
    process =
        new ProcessBuilder(CProgram.of("threaded_exec").toString(), Integer.toString(PLENTY))
            .start();
    ProcessId id = proc.stat((int) process.pid()).orElseThrow().id();
    AtomicInteger ends = new AtomicInteger();
    try (ProcessWatcher watcher = new ProcessWatcher(proc);
        ProcessWatcher.Watch _ = watcher.watch(id, ends::incrementAndGet)) {
      for (int looks = 0; looks < LOOKS || runs(id) < RUNS; looks++) {
        assertThat(proc.isAlive(id)).as("look %s", looks).isTrue();
      }
      assertThat(ends).hasValue(0);
      process.destroyForcibly().waitFor();
      Eventually.soon(() -> assertThat(ends).as("its real end is seen").hasValue(1));
    }
  }
}
