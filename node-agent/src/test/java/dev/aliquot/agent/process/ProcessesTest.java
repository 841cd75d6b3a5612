package dev.aliquot.agent.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.aliquot.agent.support.Eventually;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProcessesTest {
  private final List<Process> started = new ArrayList<>();
  private final ProcFs proc = ProcFs.system();

  @AfterEach
  void stop() {
    started.forEach(Process::destroyForcibly);
  }

  private ProcessStat sleeper() throws IOException {
    Process process = new ProcessBuilder("sleep", "60").start();
    started.add(process);
    return proc.stat((int) process.pid()).orElseThrow();
  }

  @Test
  void aCommandMayHoldAnything() {
    String rest = " S 7 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 9 9 9 9 9 9 9 9 9 9";
    ProcessStat stat = ProcessStat.parse(12, "12 (a) Z 1 ) (b)" + rest);
    assertThat(stat).isEqualTo(new ProcessStat(new ProcessId(12, 4711), 7, "a) Z 1 ) (b", false));
    assertThatThrownBy(() -> ProcessStat.parse(1, "")).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> ProcessStat.parse(1, "1 (x) S"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aCommandShowsNoControlCharacter() {
    String rest = " S 7 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 9 9 9";
    String bytes = "12 (\u001b[2J\n\u00c2\u009bm\u00c3\u00a4)" + rest;
    assertThat(ProcessStat.parse(12, bytes).command()).isEqualTo("?[2J??m\u00e4");
  }

  @Test
  void aProcessWhoseFirstThreadHasEndedStillRuns() {
    String one = "12 (x) Z 7 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 9 9 9";
    String three = "12 (x) Z 7 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 3 0 4711 9 9 9";
    assertThat(ProcessStat.parse(12, one).zombie()).isTrue();
    assertThat(ProcessStat.parse(12, three).zombie()).isFalse();
  }

  @Test
  void aPidThatCameRoundAgainIsAnotherProcess() throws IOException {
    ProcessStat sleeper = sleeper();
    assertThat(proc.isAlive(sleeper.id())).isTrue();
    assertThat(proc.isAlive(new ProcessId(sleeper.id().pid(), sleeper.id().startTime() - 1)))
        .isFalse();
    assertThat(proc.stat(0)).isEmpty();
    assertThat(proc.stat(-5)).isEmpty();
  }

  @Test
  void onlyWhoIsNotThereIsGone(@TempDir Path root) throws IOException {
    ProcessStat sleeper = sleeper();
    ProcFs broken = new ProcFs(root);
    assertThat(broken.isAlive(sleeper.id())).as("it is not there").isFalse();
    Files.createDirectories(root.resolve(sleeper.id().pid() + "/stat"));
    assertThat(broken.isAlive(sleeper.id())).as("it cannot be read").isTrue();
    assertThat(broken.stat(sleeper.id().pid())).isEmpty();
  }

  @Test
  void theDevicesControllerOrTheUnifiedHierarchyNamesTheCgroup() {
    assertThat(ProcFs.parseCgroup("0::/kubepods/pod1/c1\n")).contains("/kubepods/pod1/c1");
    assertThat(ProcFs.parseCgroup("12:cpu,cpuacct:/x\n5:devices:/a/b:c\n0::/y\n"))
        .contains("/a/b:c");
    assertThat(ProcFs.parseCgroup("nonsense")).isEmpty();
  }

  @Test
  void childrenAndUsersAreKnown() throws IOException {
    ProcessStat sleeper = sleeper();
    assertThat(proc.children((int) ProcessHandle.current().pid())).contains(sleeper.id().pid());
    assertThat(proc.uid(sleeper.id().pid())).hasValue(dev.aliquot.linux.Identity.effectiveUserId());
    assertThat(proc.commandLine(sleeper.id().pid())).contains("sleep 60");
  }

  @Test
  void anEndIsToldAtOnceAndOnce() throws Exception {
    try (ProcessWatcher watcher = new ProcessWatcher(proc)) {
      AtomicInteger ends = new AtomicInteger();
      ProcessStat sleeper = sleeper();
      ProcessStat other = sleeper();
      watcher.watch(sleeper.id(), ends::incrementAndGet);
      ProcessWatcher.Watch closed = watcher.watch(other.id(), () -> ends.addAndGet(100));
      closed.close();
      started.forEach(Process::destroyForcibly);
      Eventually.soon(() -> assertThat(ends).hasValue(1));
      Thread.sleep(100);
      assertThat(ends).hasValue(1);
    }
  }

  @Test
  void aProcessThatIsGoneAlreadyIsToldToo() throws Exception {
    try (ProcessWatcher watcher = new ProcessWatcher(proc)) {
      CountDownLatch ends = new CountDownLatch(2);
      ProcessStat sleeper = sleeper();
      watcher.watch(new ProcessId(sleeper.id().pid(), 1), ends::countDown);
      started.getFirst().destroyForcibly().waitFor();
      watcher.watch(sleeper.id(), ends::countDown);
      assertThat(ends.await(1, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void oneThatFailsDoesNotStopTheWatching() throws Exception {
    try (ProcessWatcher watcher = new ProcessWatcher(proc)) {
      CountDownLatch ends = new CountDownLatch(1);
      watcher.watch(
          new ProcessId(1, -1),
          () -> {
            throw new IllegalStateException("meant to fail");
          });
      watcher.watch(new ProcessId(1, -2), ends::countDown);
      assertThat(ends.await(1, TimeUnit.SECONDS)).isTrue();
    }
  }

  private static long pidDescriptors() throws IOException {
    long count = 0;
    try (var files = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path file : files) {
        count += isPidDescriptor(file) ? 1 : 0;
      }
    }
    return count;
  }

  private static boolean isPidDescriptor(Path file) {
    try {
      return Files.readSymbolicLink(file).toString().contains("pidfd");
    } catch (IOException closedMeanwhile) {
      return false;
    }
  }

  @Test
  void aWatchThatIsClosedAtOnceKeepsNoDescriptor() throws Exception {
    long before = pidDescriptors();
    ProcessStat sleeper = sleeper();
    try (ProcessWatcher watcher = new ProcessWatcher(proc)) {
      for (int i = 0; i < 2000; i++) {
        watcher.watch(sleeper.id(), () -> {}).close();
      }
      Eventually.soon(() -> assertThat(pidDescriptors()).isLessThanOrEqualTo(before));
    }
  }
}
