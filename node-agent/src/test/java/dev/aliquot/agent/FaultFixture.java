package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.health.HealthOptions;
import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.DeviceView;
import dev.aliquot.agent.view.FaultView;
import dev.aliquot.agent.view.TenantSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;

/** What makes faults on a simulated node, and looks at what becomes of them. */
abstract class FaultFixture extends AgentFixture {
  static final Duration HOLD = Duration.ofMillis(300);

  @Override
  HealthOptions health() {
    return HealthOptions.DEFAULTS.withHold(HOLD);
  }

  void xid(int device, int code, String... more) throws Exception {
    String[] all = {"--device", Integer.toString(device), "--code", Integer.toString(code)};
    List<String> arguments = new ArrayList<>(List.of(all));
    arguments.addAll(List.of(more));
    simulate("xid", arguments.toArray(String[]::new));
  }

  DeviceView device(int index) {
    return agent.view().devices().get(index);
  }

  void awaitState(int device, String state) {
    Eventually.soon(() -> assertThat(device(device).state()).isEqualTo(state));
  }

  List<FaultView> faults(String code) {
    return agent.health().faults().stream().filter(fault -> fault.code().equals(code)).toList();
  }

  /** A program that computes on a device and checks all that it reads. */
  Talker working(String name, String device) throws Exception {
    TenantSpec spec = new TenantSpec(name, "", "", "", List.of(device), GIB, null, 0);
    Talker program =
        talk(agent.createTenant(spec, peer(ownPid())).environment(), CProgram.of("working_tenant"));
    assertThat(program.say("init")).isEqualTo(SUCCESS);
    assertThat(program.say("grow " + 256 * MIB)).startsWith("0 ");
    assertThat(program.say("work")).isEqualTo("0");
    return program;
  }

  static void assertComputes(Talker program) {
    int before = rounds(program);
    Eventually.soon(() -> assertThat(rounds(program)).isGreaterThan(before));
  }

  static int rounds(Talker program) {
    String[] report = program.say("report").split(" ");
    assertThat(report).as(String.join(" ", report)).hasSize(2);
    assertThat(report[1]).as("wrong words").isEqualTo("0");
    return Integer.parseInt(report[0]);
  }

  String address(int device) {
    return device(device).pciAddress().replaceFirst("\\.0$", "");
  }

  /** As the simulated kernel writes it. */
  void simulateLine(String text) throws Exception {
    append("6,1000000," + micros() + ",-;" + text + "\n");
  }

  /** By the kernel log's own clock. */
  static long micros() throws Exception {
    String uptime = Files.readString(Path.of("/proc/uptime")).split(" ")[0];
    return (long) (Double.parseDouble(uptime) * 1e6);
  }

  void append(String record) throws Exception {
    Files.writeString(options.stateDir().resolve("node/kmsg"), record, StandardOpenOption.APPEND);
  }

  /** The agent anew, with other options of its health. */
  void restartWith(HealthOptions health) throws Exception {
    agent.close();
    options = options.withHealth(health);
    agent = Agent.start(options, InstantSource.system());
  }
}
