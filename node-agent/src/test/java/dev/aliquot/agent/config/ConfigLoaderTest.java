package dev.aliquot.agent.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.aliquot.agent.pool.Lending;
import dev.aliquot.health.catalogue.FaultClass;
import dev.aliquot.residency.SwapMode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigLoaderTest {
  private static final MachineDefaults MACHINE =
      new MachineDefaults(Path.of("/run/test"), "host-1");

  private static final String FULL =
      """
      state-dir: /var/run/aliquot
      node-name: worker-7
      nvml-library: /opt/nvidia/libnvidia-ml.so.1
      cuda-library: /opt/nvidia/libcuda.so.1
      library-dir: /opt/aliquot
      headroom-percent: 2.5
      headroom-min: 1GiB
      sample-period: 250ms
      agent-wait: 5s
      host-pool-size: 8GiB
      host-pool-reserve: 2GiB
      host-pool-prepared: 128MiB
      lending: always
      bypass-policy: suspend
      stranger-policy: stop
      keeper-policy: stop
      bypass-tolerance: 512MiB
      bypass-grace: 2s
      memory-limits: driver
      cgroup-root: /mnt/cgroup
      swap: preferred
      swap-idle-after: 1m
      swap-minimum-residency: 0s
      swap-deep-after: 10m
      swap-deep-lock-timeout: 500ms
      kernel-log: /var/log/kern.log
      health-profile: eks
      health-catalogue: /etc/aliquot/xids.yaml
      health-hold: 1m
      health-tenants: stop
      health-device-breaker: 25
      expected-devices: 8
      health-kubernetes: dry-run
      health-taint: on
      health-evict: delete
      health-hyperpod: node, replace
      health-breaker: 10%
      device-plugin: on
      kubelet-dir: /var/lib/k0s/kubelet
      resource-name: example.org/gpu
      annotation-prefix: example.org
      placement: spread
      injection: cdi
      cdi-kind: example.org/device
      pod-annotations: on
      admin-group: gpu
      http-address: "::1"
      http-port: 0
      http-max-connections: 8
      http-idle-timeout: 5s
      log-level: debug
      log-format: json
      """;

  @TempDir private Path folder;

  private static AgentConfig load(
      Map<String, String> flags, Map<String, String> environment, String file)
      throws ConfigException {
    return new ConfigLoader(environment, MACHINE).loadText(flags, file, "agent.yaml");
  }

  private static List<String> faults(
      Map<String, String> flags, Map<String, String> environment, String file) {
    ConfigException e =
        catchThrowableOfType(ConfigException.class, () -> load(flags, environment, file));
    assertThat(e).as("refused").isNotNull();
    return e.faults();
  }

  @Test
  void withoutAnythingEveryValueIsItsDefault() throws ConfigException {
    assertThat(load(Map.of(), Map.of(), ""))
        .isEqualTo(
            new AgentConfig(
                Path.of("/run/test"),
                "host-1",
                null,
                null,
                null,
                null,
                3.0,
                256L << 20,
                Duration.ofSeconds(1),
                Duration.ofSeconds(30),
                null,
                null,
                256L << 20,
                Lending.BACKED,
                BypassPolicy.REPORT,
                BypassPolicy.REPORT,
                KeeperPolicy.REPORT,
                1L << 30,
                Duration.ofSeconds(10),
                LimitBackend.AUTO,
                Path.of("/sys/fs/cgroup"),
                SwapMode.ALLOWED,
                Duration.ofSeconds(5),
                Duration.ofSeconds(2),
                null,
                Duration.ofSeconds(2),
                null,
                "nvidia",
                null,
                Duration.ofSeconds(30),
                OutPolicy.KEEP,
                50,
                0,
                KubernetesMode.OFF,
                false,
                EvictionPolicy.NONE,
                Set.of(),
                20,
                false,
                Path.of("/var/lib/kubelet"),
                "aliquot.dev/gpu-fraction",
                "aliquot.dev",
                PlacementPolicy.PACK,
                InjectionWay.ENVVAR,
                "nvidia.com/gpu",
                false,
                null,
                "127.0.0.1",
                9464,
                64,
                Duration.ofSeconds(30),
                LogLevel.INFO,
                LogFormat.AUTO));
  }

  private static AgentConfig full() {
    return new AgentConfig(
        Path.of("/var/run/aliquot"),
        "worker-7",
        null,
        Path.of("/opt/nvidia/libnvidia-ml.so.1"),
        Path.of("/opt/nvidia/libcuda.so.1"),
        Path.of("/opt/aliquot"),
        2.5,
        1L << 30,
        Duration.ofMillis(250),
        Duration.ofSeconds(5),
        8L << 30,
        2L << 30,
        128L << 20,
        Lending.ALWAYS,
        BypassPolicy.SUSPEND,
        BypassPolicy.STOP,
        KeeperPolicy.STOP,
        512L << 20,
        Duration.ofSeconds(2),
        LimitBackend.DRIVER,
        Path.of("/mnt/cgroup"),
        SwapMode.PREFERRED,
        Duration.ofMinutes(1),
        Duration.ZERO,
        Duration.ofMinutes(10),
        Duration.ofMillis(500),
        Path.of("/var/log/kern.log"),
        "eks",
        Path.of("/etc/aliquot/xids.yaml"),
        Duration.ofMinutes(1),
        OutPolicy.STOP,
        25,
        8,
        KubernetesMode.DRY_RUN,
        true,
        EvictionPolicy.DELETE,
        Set.of(FaultClass.NODE, FaultClass.REPLACE),
        10,
        true,
        Path.of("/var/lib/k0s/kubelet"),
        "example.org/gpu",
        "example.org",
        PlacementPolicy.SPREAD,
        InjectionWay.CDI,
        "example.org/device",
        true,
        "gpu",
        "::1",
        0,
        8,
        Duration.ofSeconds(5),
        LogLevel.DEBUG,
        LogFormat.JSON);
  }

  private static Map<String, String> fullValues() throws ConfigException {
    Map<String, String> values = new HashMap<>();
    ConfigFile.parse(FULL, "full").forEach((key, given) -> values.put(key, given.text()));
    return values;
  }

  @Test
  void everyKeyOfTheFileIsMapped() throws ConfigException {
    assertThat(load(Map.of(), Map.of(), FULL)).isEqualTo(full());
    assertThat(fullValues().keySet())
        .as("the test covers every key but simulate, which excludes the libraries")
        .hasSize(ConfigKeys.all().size() - 1);
  }

  @Test
  void everyFlagAndEveryEnvironmentVariableIsMapped() throws ConfigException {
    assertThat(load(fullValues(), Map.of(), "")).isEqualTo(full());
    Map<String, String> environment = new HashMap<>();
    for (ConfigKey<?> key : ConfigKeys.all()) {
      if (fullValues().containsKey(key.name())) {
        environment.put(key.environmentVariable(), fullValues().get(key.name()));
      }
    }
    assertThat(load(Map.of(), environment, "")).isEqualTo(full());
  }

  @Test
  void aFlagWinsOverTheEnvironmentThatOverTheFileThatOverTheDefault() throws ConfigException {
    String file = "http-port: 1";
    Map<String, String> environment = Map.of("ALIQUOT_HTTP_PORT", "2");
    assertThat(load(Map.of(), Map.of(), file).httpPort()).isEqualTo(1);
    assertThat(load(Map.of(), environment, file).httpPort()).isEqualTo(2);
    assertThat(load(Map.of("http-port", "3"), environment, file).httpPort()).isEqualTo(3);
  }

  @Test
  void anEmptyEnvironmentVariableCountsAsNotSet() throws ConfigException {
    assertThat(load(Map.of(), Map.of("ALIQUOT_HTTP_PORT", ""), "").httpPort()).isEqualTo(9464);
  }

  @Test
  void aSimulatedNodeIsReadWithItsSizesInBytes() throws ConfigException {
    SimulatedNode node =
        load(Map.of("simulate", "devices=2,memory=16GiB,model=H100"), Map.of(), "").simulate();
    assertThat(node).isNotNull();
    assertThat(node.devices()).isEqualTo(2);
    assertThat(node.text()).isEqualTo("devices=2,memory=17179869184,model=H100");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "state-dir | run/aliquot | an absolute path",
        "state-dir | '' | an absolute path",
        "node-name | -x | letters, digits",
        "node-name | 'a b' | letters, digits",
        "simulate | devices | KEY=VALUE",
        "simulate | devices=0 | a number from 1 to 16",
        "simulate | devices=17 | a number from 1 to 16",
        "simulate | devices=1,devices=2 | given twice",
        "simulate | memory=lots | a size",
        "simulate | memory=1KiB | a size from 64MiB to 1TiB",
        "simulate | model=H1000 | one of A100",
        "simulate | driver=new | a driver version",
        "simulate | device=2 | did you mean 'devices'",
        "nvml-library | libnvidia-ml.so.1 | an absolute path",
        "cuda-library | ./libcuda.so.1 | an absolute path",
        "library-dir | lib | an absolute path",
        "headroom-percent | 51 | a percentage from 0 to 50",
        "headroom-percent | -1 | a percentage from 0 to 50",
        "headroom-percent | NaN | a percentage from 0 to 50",
        "headroom-min | 2TiB | a size from 0 to 1TiB",
        "headroom-min | -1GiB | a size from 0 to 1TiB",
        "headroom-min | 1 potato | a size from 0 to 1TiB",
        "sample-period | 49ms | a duration from 50ms to 1m",
        "sample-period | 61s | a duration from 50ms to 1m",
        "sample-period | 1 | a duration from 50ms to 1m",
        "agent-wait | 11m | a duration from 0s to 10m",
        "admin-group | 'a:b' | a group",
        "http-address | localhost | a numeric IPv4 or IPv6 address",
        "http-port | 65536 | a port from 0 to 65535",
        "http-port | -1 | a port from 0 to 65535",
        "http-port | http | a port from 0 to 65535",
        "http-port | 99999999999999999999 | a port from 0 to 65535",
        "http-max-connections | 0 | a number from 1 to 4096",
        "http-idle-timeout | 0s | a duration from 100ms to 1h",
        "log-level | loud | one of error, warn, info, debug, trace",
        "log-format | xml | one of auto, json, text"
      })
  void aBadValueIsRefusedNamingKeyValueOriginAndWhatIsAllowed(
      String key, String value, String allowed) {
    String variable = "ALIQUOT_" + key.toUpperCase(java.util.Locale.ROOT).replace('-', '_');
    assertOneFault(
        faults(Map.of(key, value), Map.of(), ""), "the flag --" + key, key, value, allowed);
    assertOneFault(
        faults(Map.of(), Map.of(), key + ": \"" + value + "\""),
        "agent.yaml line 1",
        key,
        value,
        allowed);
    if (!value.isEmpty()) {
      assertOneFault(
          faults(Map.of(), Map.of(variable, value), ""),
          "the environment variable " + variable,
          key,
          value,
          allowed);
    }
  }

  private static void assertOneFault(
      List<String> faults, String origin, String key, String value, String allowed) {
    assertThat(faults).hasSize(1);
    assertThat(faults.getFirst())
        .startsWith(origin + ": " + key + ": ")
        .contains(allowed)
        .doesNotContain("\n");
    if (!key.equals("simulate")) {
      assertThat(faults.getFirst()).contains("'" + value + "'");
    }
  }

  @Test
  void aWrongValueIsFoundEvenWhereAFlagOverridesIt() {
    assertThat(faults(Map.of("http-port", "1"), Map.of(), "http-port: x")).hasSize(1);
  }

  @Test
  void everyFaultIsNamedAtOnce() {
    assertThat(
            faults(Map.of("http-port", "x"), Map.of("ALIQUOT_LOG_LEVEL", "y"), "sample-period: z"))
        .hasSize(3);
  }

  @Test
  void anUnknownKeyIsRefusedWithTheNearestKnownOne() {
    assertThat(faults(Map.of(), Map.of(), "\nhttpPort: 1"))
        .containsExactly("agent.yaml line 2: unknown key 'httpPort'; did you mean 'http-port'?");
    assertThat(faults(Map.of(), Map.of(), "sample_period: 1s").getFirst())
        .endsWith("did you mean 'sample-period'?");
    assertThat(faults(Map.of(), Map.of(), "colour: red").getFirst())
        .contains("unknown key 'colour'; known are state-dir,");
    assertThat(faults(Map.of("htp-port", "1"), Map.of(), "").getFirst())
        .isEqualTo("unknown flag --htp-port; did you mean 'http-port'?");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'http-port: 1\nhttp-port: 2' | http-port",
        "'http-port: [1, 2]' | one plain value",
        "'http-port:\n  a: 1' | one plain value",
        "'- a\n- b' | key: value",
        "'just text' | key: value",
        "'http-port: 1\n---\nhttp-port: 2' | more than one document",
        "'http-port: \"1' | not valid YAML",
        "'a: &a [*a, *a]' | one plain value",
        "'\tx' | not valid YAML",
        "'{{{{{{{{{{{{{{{{' | not valid YAML",
      })
  void aFileThatIsNoListOfKeysIsRefused(String content, String why) {
    assertThat(faults(Map.of(), Map.of(), content))
        .allSatisfy(f -> assertThat(f).startsWith("agent.yaml").doesNotContain("\n"));
    assertThat(String.join(" ", faults(Map.of(), Map.of(), content))).contains(why);
  }

  @Test
  void aSimulatedNodeExcludesTheDriversLibraries() {
    assertThat(
            faults(Map.of("simulate", "devices=1", "nvml-library", "/x"), Map.of(), "").getFirst())
        .contains("simulate and nvml-library exclude each other");
  }

  @Test
  void aFileThatCannotBeReadIsNamed() throws IOException {
    ConfigLoader loader = new ConfigLoader(Map.of(), MACHINE);
    Path missing = folder.resolve("none.yaml");
    assertThat(catchThrowableOfType(ConfigException.class, () -> loader.load(Map.of(), missing)))
        .hasMessage("the configuration file " + missing + " does not exist");
    assertThat(catchThrowableOfType(ConfigException.class, () -> loader.load(Map.of(), folder)))
        .hasMessageContaining(folder + " cannot be read");
    Path large = Files.writeString(folder.resolve("large.yaml"), "# " + "x".repeat(70_000));
    assertThat(catchThrowableOfType(ConfigException.class, () -> loader.load(Map.of(), large)))
        .hasMessageContaining("larger than 64 KiB");
  }

  @Test
  void anExampleFileOnDiskIsLoaded() throws IOException, ConfigException {
    Path file = Files.writeString(folder.resolve("agent.yaml"), FULL);
    assertThat(new ConfigLoader(Map.of(), MACHINE).load(Map.of(), file)).isEqualTo(full());
  }

  @Test
  void theStateFolderIsTheSystemsForRootElseTheUsersOwn() {
    assertThat(MachineDefaults.stateDir(Map.of("XDG_RUNTIME_DIR", "/run/user/7"), 0))
        .isEqualTo(Path.of("/run/aliquot"));
    assertThat(MachineDefaults.stateDir(Map.of("XDG_RUNTIME_DIR", "/run/user/7"), 7))
        .isEqualTo(Path.of("/run/user/7/aliquot"));
    assertThat(MachineDefaults.stateDir(Map.of(), 7)).isEqualTo(Path.of("/tmp/aliquot-7"));
  }
}
