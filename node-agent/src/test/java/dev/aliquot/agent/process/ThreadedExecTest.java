package dev.aliquot.agent.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.CProgram;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * {@code aliquot run} becomes the tenant's command by execve from a thread that is not its first.
 */
class ThreadedExecTest {
  private static final int RUNS = 3000;

  private final ProcFs proc = ProcFs.system();
  private Process process;

  @AfterEach
  void stop() {
    process.destroyForcibly();
  }

  @Test
  void aProcessThatCallsExecveFromAnotherThreadIsNeverTakenForDead()
      throws IOException, InterruptedException {
    process =
        new ProcessBuilder(CProgram.of("threaded_exec").toString(), Integer.toString(RUNS)).start();
    ProcessId id = proc.stat((int) process.pid()).orElseThrow().id();
    AtomicInteger ends = new AtomicInteger();
    try (ProcessWatcher watcher = new ProcessWatcher(proc);
        ProcessWatcher.Watch _ = watcher.watch(id, ends::incrementAndGet)) {
      int looks = 0;
      while (!proc.commandLine(id.pid()).orElse("").endsWith(" 0")) {
        assertThat(proc.isAlive(id)).as("look %s", looks).isTrue();
        looks++;
      }
      assertThat(looks).isGreaterThan(100);
      assertThat(ends).hasValue(0);
      process.destroyForcibly().waitFor();
      for (int i = 0; i < 100 && ends.get() == 0; i++) {
        Thread.sleep(20);
      }
      assertThat(ends).as("its real end is seen").hasValue(1);
    }
  }
}
