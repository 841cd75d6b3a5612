package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.aliquot.agent.health.HealthOptions;
import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.DrillSpec;
import dev.aliquot.agent.view.DrillView;
import dev.aliquot.agent.view.FaultView;
import dev.aliquot.agent.view.TenantSpec;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Faults of devices and programs, from what the simulated driver says to what becomes of it. */
class FaultsTest extends FaultFixture {

  @Override
  int devices() {
    return 6;
  }

  @ParameterizedTest
  @CsvSource({"wild, 31, 700", "trap, 43, 719"})
  void aProgramsFaultBlamesItsTenantAndSparesEverybodyElse(String word, String code, String error)
      throws Exception {
    Talker guilty = working("guilty", "0");
    Talker neighbour = working("neighbour", "0");
    assertThat(guilty.say(word)).isEqualTo(error);
    Eventually.soon(
        () -> {
          FaultView fault = faults(code).getFirst();
          assertThat(fault.tenantName()).isEqualTo("guilty");
          assertThat(fault.pid()).isEqualTo(guilty.pid());
          assertThat(fault.sources()).containsExactly("kernel-log", "nvml-event");
        });
    assertComputes(neighbour);
    assertThat(faults(code)).hasSize(1);
    assertThat(faults(code).getFirst().faultClass()).isEqualTo("app");
    assertThat(device(0).state()).isEqualTo("healthy");
    assertThat(device(0).health()).isEqualTo("healthy");
    assertThat(agent.stats().faults())
        .as("counted once, whoever saw it first")
        .hasSize(1)
        .allSatisfy(
            (kind, count) -> {
              assertThat(kind.tenant()).isEqualTo("guilty");
              assertThat(count).isEqualTo(1);
            });
  }

  @Test
  void aProgramThatIsGoneByTheTimeThatItsFaultIsToldIsStillBlamed() throws Exception {
    Talker guilty = working("guilty", "0");
    Talker other = working("other", "0");
    Eventually.soon(() -> assertThat(view("guilty").groundTruthBytes()).isGreaterThan(256 * MIB));
    int pid = guilty.pid();
    guilty.kill();
    Eventually.soon(() -> assertThat(Path.of("/proc/" + pid)).doesNotExist());
    xid(0, 31, "--message", "channel 0x0000000a");
    simulateLine("NVRM: Xid (PCI:" + address(0) + "): 31, pid=" + pid + ", name=x, channel 0x0a");
    Eventually.soon(() -> assertThat(faults("31").getFirst().tenantName()).isEqualTo("guilty"));
    assertThat(faults("31")).hasSize(1);
    assertComputes(other);
  }

  @Test
  void oneThatFaultsAndEndsAtOnceIsBlamedThoughItsTenantIsGone() throws Exception {
    for (int i = 0; i < 5; i++) {
      String name = "short-" + i;
      Talker guilty =
          talk(
              agent
                  .createTenant(
                      new TenantSpec(name, "", "", "", List.of("0"), GIB, null, 0), peer(ownPid()))
                  .environment(),
              CProgram.of("working_tenant"));
      assertThat(guilty.say("init")).isEqualTo(SUCCESS);
      assertThat(guilty.say("trap")).isEqualTo("719");
      guilty.kill();
      end(name);
      Eventually.soon(
          () -> assertThat(faults("43")).extracting(FaultView::tenantName).contains(name));
    }
    assertThat(faults("43")).hasSize(5);
  }

  /** What takes a device out, as whose fault, by which class. */
  private record Out(int code, String state, String faultClass) {}

  private static final List<Out> OUTS =
      List.of(
          new Out(48, "needs-reset", "reset"),
          new Out(95, "needs-reset", "reset"),
          new Out(119, "needs-reset", "reset"),
          new Out(79, "lost", "replace"),
          new Out(74, "needs-reset", "reset"));

  @Test
  void aDevicesFaultTakesItOutAndItComesBackByItself() throws Exception {
    restartWith(health().withHold(Duration.ofSeconds(4)).withBreaker(100));
    Talker elsewhere = working("elsewhere", "5");
    List<Talker> there = new ArrayList<>();
    for (int i = 0; i < OUTS.size(); i++) {
      there.add(working("there-" + i, Integer.toString(i)));
    }
    for (int i = 0; i < OUTS.size(); i++) {
      assertOut(i, OUTS.get(i));
    }
    assertThat(
            agent
                .createTenant(
                    new TenantSpec("anywhere", "", "", "", List.of(), GIB, null, 0), peer(ownPid()))
                .devices())
        .containsExactly(device(5).uuid());
    assertComputes(elsewhere);
    assertThat(device(5).state()).isEqualTo("healthy");
    for (int i = 0; i < OUTS.size(); i++) {
      awaitState(i, "recovering");
    }
    for (int i = 0; i < OUTS.size(); i++) {
      awaitState(i, "healthy");
      assertComputes(there.get(i));
      assertThat(faults("" + OUTS.get(i).code())).hasSize(1);
    }
    grant("again", GIB);
  }

  private void assertOut(int index, Out out) throws Exception {
    xid(index, out.code());
    Eventually.soon(
        () -> {
          assertThat(device(index).state()).isEqualTo(out.state());
          assertThat(device(index).health()).isEqualTo("unhealthy");
          assertThat(device(index).healthReason()).contains("XID " + out.code());
        });
    TenantSpec spec =
        new TenantSpec("new", "", "", "", List.of(Integer.toString(index)), GIB, null, 0);
    assertThat(
            catchThrowableOfType(
                AgentException.class, () -> agent.createTenant(spec, peer(ownPid()))))
        .hasMessageContaining("XID " + out.code());
    assertThat(faults("" + out.code()))
        .singleElement()
        .satisfies(
            fault -> {
              assertThat(fault.device()).isEqualTo(device(index).uuid());
              assertThat(fault.faultClass()).isEqualTo(out.faultClass());
              assertThat(fault.tenantName()).isEmpty();
            });
  }

  @Test
  void aDeviceThatTheDriverWantsResetIsOutUntilTheDriverWantsNothing() throws Exception {
    Talker there = working("there", "0");
    simulate("recovery", "--device", "0", "--action", "4");
    awaitState(0, "draining");
    simulate("recovery", "--device", "0", "--action", "1");
    awaitState(0, "needs-reset");
    Thread.sleep(HOLD.multipliedBy(3));
    assertThat(device(0).state()).isEqualTo("needs-reset");
    assertThat(faults("recovery-gpu-reset")).hasSize(1);
    simulate("recovery", "--device", "0", "--action", "0");
    awaitState(0, "healthy");
    assertComputes(there);
  }

  @Test
  void aLostDeviceIsBackWhenItAnswersAgain() throws Exception {
    simulate("lost", "--device", "0", "--lost", "1");
    awaitState(0, "lost");
    Thread.sleep(HOLD.multipliedBy(3));
    assertThat(device(0).state()).isEqualTo("lost");
    assertThat(device(0).replace()).isTrue();
    assertThat(faults("79")).hasSize(1);
    assertThat(faults("lost")).as("the same fault").isEmpty();
    assertThat(device(1).health()).isEqualTo("healthy");
    simulate("lost", "--device", "0", "--lost", "0");
    awaitState(0, "healthy");
    assertThat(device(0).replace()).isFalse();
  }

  @Test
  void memoryThatWaitsForAResetMakesItSuspectAndMemoryThatFailedTakesItOut() throws Exception {
    simulate("remap", "--device", "0", "--pending", "1");
    awaitState(0, "suspect");
    grant("still", GIB);
    simulate("remap", "--device", "0", "--failure", "1");
    awaitState(0, "needs-reboot");
    assertThat(device(0).replace()).isTrue();
    assertThat(faults("remap-pending")).hasSize(1);
    assertThat(faults("remap-failed")).hasSize(1);
  }

  @Test
  void whatHappenedWhileNoAgentWatchedIsFoundOnceAndActedOn() throws Exception {
    xid(1, 31);
    Eventually.soon(() -> assertThat(faults("31")).hasSize(1));
    agent.close();
    xid(0, 143);
    agent = Agent.start(options, java.time.InstantSource.system());
    awaitState(0, "needs-reboot");
    assertThat(faults("143")).hasSize(1);
    assertThat(faults("31")).as("kept").hasSize(1);
    long id = faults("143").getFirst().id();
    restartAgent();
    assertThat(device(0).state()).as("at once").isEqualTo("needs-reboot");
    assertThat(faults("143")).extracting(FaultView::id).containsExactly(id);
    agent.health().clear("0", peer(ownPid()));
    awaitState(0, "healthy");
  }

  @Test
  void theFirstAgentTellsWhatWasInTheLogAndDoesNotActOnIt() throws Exception {
    agent.close();
    Files.delete(options.stateDir().resolve("health.json"));
    xid(0, 143);
    Thread.sleep(Duration.ofMillis(50));
    agent = Agent.start(options, java.time.InstantSource.system());
    Eventually.soon(() -> assertThat(faults("143")).hasSize(1));
    assertThat(device(0).state()).isEqualTo("healthy");
  }

  @Test
  void noProgramCanMakeAFaultByWritingToTheLog() throws Exception {
    append(
        "12,1,"
            + micros()
            + ",-;NVRM: Xid (PCI:"
            + address(0)
            + "): 79, GPU has fallen off the bus.\n");
    append("12,2," + micros() + ",-;aliquot drill 0: NVRM: Xid (PCI:" + address(0) + "): 79\n");
    xid(1, 13);
    Eventually.soon(() -> assertThat(faults("13")).hasSize(1));
    assertThat(faults("79")).isEmpty();
    assertThat(device(0).state()).isEqualTo("healthy");
  }

  @Test
  void aDrillGoesTheWholeWayAndIsMarkedAsOne() throws Exception {
    DrillView dry = agent.health().drill(new DrillSpec("0", 79, null, null, true), peer(ownPid()));
    assertThat(dry.state()).isEqualTo("lost");
    assertThat(dry.faultClass()).isEqualTo("replace");
    assertThat(dry.done()).isFalse();
    agent.health().drill(new DrillSpec("0", 143, null, null, false), peer(ownPid()));
    Eventually.soon(() -> assertThat(faults("143")).hasSize(1));
    assertThat(faults("143").getFirst().drill()).isTrue();
    assertThat(faults("79")).isEmpty();
    awaitState(0, "healthy");
    assertThat(agent.stats().faults().keySet())
        .anyMatch(kind -> kind.code().equals("143") && kind.drill());
  }

  @Test
  void aDrillSaysWhoWouldBeToBlame() throws Exception {
    Talker program = working("guilty", "0");
    DrillView view =
        agent.health().drill(new DrillSpec("0", 31, program.pid(), null, true), peer(ownPid()));
    assertThat(view.blamed()).isEqualTo("guilty");
    assertThat(view.tenants()).containsExactly("guilty");
    assertThat(view.state()).isEqualTo("healthy");
  }

  /** As fast as they can be written: {@code aliquot bench health} has 10 000 a second for 10 s. */
  @Test
  void aBurstOfLinesHidesNoGraveFaultAndIsNotKept() throws Exception {
    int lines = 30_000;
    long before = heapBytes();
    long micros = micros();
    List<String> addresses = List.of(address(0), address(1), address(2), address(3));
    StringBuilder burst = new StringBuilder();
    for (int i = 0; i < lines; i++) {
      boolean first = i == 0;
      boolean middle = i == lines / 2;
      boolean last = i == lines - 1;
      int device = first ? 1 : middle ? 2 : last ? 3 : 0;
      burst
          .append("6," + i + "," + micros + ",-;NVRM: Xid (PCI:" + addresses.get(device) + "): ")
          .append(first ? 143 : middle ? 95 : last ? 119 : 31)
          .append(", pid=" + (i % 5000 + 100_000) + ", name=x, y\n");
    }
    append(burst.toString());
    burst.setLength(0);
    burst.trimToSize();
    for (String code : List.of("143", "95", "119")) {
      Eventually.soon(() -> assertThat(faults(code)).hasSize(1));
    }
    Eventually.soon(
        () -> assertThat(agent.view().health().kernelLogRecords()).isGreaterThanOrEqualTo(lines));
    assertThat(agent.health().faults()).hasSizeLessThanOrEqualTo(1000);
    for (String code : List.of("143", "95", "119")) {
      assertThat(faults(code)).as("kept among many").hasSize(1);
    }
    assertThat(agent.view().health().kernelLogLost()).isZero();
    assertThat(heapBytes() - before).as("kept of the burst").isLessThan(8 * MIB);
  }

  /** What is in use after a collection. */
  private static long heapBytes() {
    System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  @Test
  void aLogThatCannotBeReadIsADegradationAndFaultsAreSeenAllTheSame() throws Exception {
    agent.close();
    Path log = options.stateDir().resolveSibling("log");
    Files.createDirectory(log);
    options = options.withHealth(health().withKernelLog(log));
    agent = Agent.start(options, java.time.InstantSource.system());
    Eventually.soon(
        () ->
            assertThat(agent.view().health().degraded())
                .anyMatch(why -> why.contains("kernel log")));
    assertThat(agent.view().ready()).isTrue();
    assertThat(agent.view().health().kernelLogReadable()).isFalse();
    xid(0, 31);
    Eventually.soon(
        () -> assertThat(faults("31").getFirst().sources()).containsExactly("nvml-event"));
  }

  @Test
  void aFaultyTableKeepsTheAgentFromStartingAndSaysWhy() throws Exception {
    agent.close();
    Path table = options.stateDir().resolveSibling("table.yaml");
    Files.writeString(table, "rows: [{xid: 13, class: kaboom}]");
    AgentOptions faulty = options.withHealth(HealthOptions.DEFAULTS.withOverrides(table));
    assertThat(
            catchThrowableOfType(
                AgentException.class, () -> Agent.start(faulty, java.time.InstantSource.system())))
        .hasMessageContaining("xid 13: class 'kaboom' is none of");
  }
}
