package dev.aliquot.agent.bypass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.config.BypassPolicy;
import dev.aliquot.agent.config.KeeperPolicy;
import dev.aliquot.agent.count.Counters;
import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.process.ProcessId;
import dev.aliquot.agent.process.Stopper;
import dev.aliquot.ffm.NativeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who must never be hit. */
class EnforcerTest {
  private final ProcFs proc = ProcFs.system();
  private final Events events = new Events(InstantSource.system(), new Counters());
  private final List<Integer> locked = new ArrayList<>();
  @TempDir private Path folder;
  private Process process;
  private NativeException refusal;

  private static final class Refusal extends NativeException {
    private static final long serialVersionUID = 1L;

    Refusal(String message) {
      super(message);
    }
  }

  @BeforeEach
  void start() throws Exception {
    process = new ProcessBuilder("/bin/cat").start();
  }

  @AfterEach
  void stop() {
    process.destroyForcibly();
  }

  private Enforcer enforcer(BypassPolicy policy) throws Exception {
    Suspender suspender =
        new Suspender() {
          @Override
          public void lock(int pid, Duration timeout) {
            if (refusal != null) {
              throw refusal;
            }
            locked.add(pid);
          }

          @Override
          public void unlock(int pid) {
            locked.removeIf(each -> each == pid);
          }
        };
    return new Enforcer(
        new BypassOptions(policy, policy, KeeperPolicy.REPORT, 0, Duration.ZERO),
        new Suspensions(proc, suspender, new SuspendedFile(folder.resolve("suspended"))),
        new Stopper(proc),
        events);
  }

  private static Finding finding(ProcessId id) {
    return new Finding(
        new Sighting(id, "x", Kind.STRANGER, 1 << 20, true, null),
        "GPU-x",
        "",
        Instant.EPOCH,
        "reported");
  }

  private ProcessId id(long pid) {
    return proc.stat((int) pid).orElseThrow().id();
  }

  /** By suspending alone: were this to fail with the other policy, it would hit the machine. */
  @Test
  void theAgentItselfAndTheFirstProcessAreNeverTouched() throws Exception {
    for (long pid : new long[] {1, ProcessHandle.current().pid()}) {
      assertThat(enforcer(BypassPolicy.SUSPEND).act(finding(id(pid))).action())
          .contains("never touched");
    }
    assertThat(locked).isEmpty();
    assertThat(events.all()).isEmpty();
  }

  @Test
  void aProcessThatHasThePidOfOneThatIsGoneIsNotHit() throws Exception {
    ProcessId now = id(process.pid());
    Finding earlier = finding(new ProcessId(now.pid(), now.startTime() - 1));
    enforcer(BypassPolicy.STOP).act(earlier);
    enforcer(BypassPolicy.SUSPEND).act(earlier);
    assertThat(locked).isEmpty();
    assertThat(events.all()).isEmpty();
    assertThat(process.waitFor(300, TimeUnit.MILLISECONDS)).as("ended").isFalse();
  }

  @Test
  void whatCannotBeSuspendedIsLeftAtTheReportAndNoSignalIsSentInstead() throws Exception {
    refusal = new Refusal("MIG cannot");
    Enforcer enforcer = enforcer(BypassPolicy.SUSPEND);
    ProcessId id = id(process.pid());
    Outcome outcome = enforcer.act(finding(id));
    assertThat(outcome).isEqualTo(new Outcome("reported, not suspended: MIG cannot", false));
    assertThat(events.all()).extracting(Event::what).containsExactly("failed");
    assertThat(new SuspendedFile(folder.resolve("suspended")).all()).isEmpty();
    assertThat(Files.readString(Path.of("/proc/" + id.pid() + "/stat"))).doesNotContain(") T");
    assertThat(process.isAlive()).isTrue();
  }

  @Test
  void theVeryProcessIsStopped() throws Exception {
    enforcer(BypassPolicy.STOP).act(finding(id(process.pid())));
    assertThat(process.waitFor(10, TimeUnit.SECONDS)).as("ended").isTrue();
    assertThat(events.all()).extracting(Event::what).startsWith("stopping");
  }

  @Test
  void whoIsSuspendedIsRememberedAndReleasedWhenTheAgentStops() throws Exception {
    Enforcer enforcer = enforcer(BypassPolicy.SUSPEND);
    ProcessId id = id(process.pid());
    assertThat(enforcer.act(finding(id)).action()).isEqualTo("suspended");
    assertThat(locked).containsExactly(id.pid());
    assertThat(new SuspendedFile(folder.resolve("suspended")).all()).containsExactly(id);
    enforcer.close();
    assertThat(locked).isEmpty();
    assertThat(new SuspendedFile(folder.resolve("suspended")).all()).isEmpty();
  }
}
