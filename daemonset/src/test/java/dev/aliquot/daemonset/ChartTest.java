package dev.aliquot.daemonset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.marcnuri.helm.LintResult;
import dev.aliquot.agent.config.AgentConfig;
import dev.aliquot.agent.config.ConfigLoader;
import dev.aliquot.agent.config.MachineDefaults;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The chart, with its defaults and with every single choice that its schema offers. */
class ChartTest {
  /** All that a pod of the agent may see of its host, whatever is chosen. */
  private static final Set<String> HOST_PATHS =
      Set.of(
          "/run/aliquot",
          "/var/lib/aliquot/lib",
          "/sys/fs/cgroup",
          "/dev/kmsg",
          "/var/lib/kubelet/device-plugins",
          "/var/lib/kubelet/plugins_registry",
          "/var/lib/kubelet/plugins/aliquot.dev",
          "/var/lib/kubelet/pod-resources");

  /** What is mounted only where a value asks for it. */
  private static final Map<String, String> MORE_HOST_PATHS =
      Map.of("driver.from: host", "/usr/lib/x86_64-linux-gnu");

  private static final Set<String> CAPABILITIES =
      Set.of("CHOWN", "DAC_OVERRIDE", "KILL", "SYS_PTRACE", "SYSLOG");

  /** Choices that are refused without another one. */
  private static final Map<String, String> COMPANIONS =
      Map.of("driver.from: host", "{driver: {from: host}, privileged: true}");

  @TempDir private static Path folder;

  /** A rendering, named for what it was made of. */
  record Choice(String name, String values) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Choice> choices() {
    List<Choice> choices = new ArrayList<>(List.of(new Choice("defaults", "{}")));
    gather("", Chart.schema(), choices);
    assertThat(choices).hasSizeGreaterThan(60);
    return choices.stream();
  }

  private static void gather(String path, JsonNode schema, List<Choice> choices) {
    schema
        .path("properties")
        .properties()
        .forEach(
            property ->
                gather(
                    path.isEmpty() ? property.getKey() : path + "." + property.getKey(),
                    property.getValue(),
                    choices));
    JsonNode resolved =
        schema.has("$ref") ? Chart.schema().at(schema.path("$ref").asText().substring(1)) : schema;
    resolved.path("enum").forEach(value -> choices.add(choice(path, value, value)));
    resolved
        .path("items")
        .path("enum")
        .forEach(
            value ->
                choices.add(
                    choice(
                        path,
                        value,
                        com.fasterxml.jackson.databind.node.JsonNodeFactory.instance
                            .arrayNode()
                            .add(value))));
    if (resolved.path("type").asText().equals("boolean")) {
      choices.add(choice(path, BooleanNode.TRUE, BooleanNode.TRUE));
      choices.add(choice(path, BooleanNode.FALSE, BooleanNode.FALSE));
    }
  }

  private static Choice choice(String path, JsonNode shown, JsonNode value) {
    String name = path + ": " + shown.asText();
    return new Choice(name, COMPANIONS.getOrDefault(name, Chart.value(path, value)));
  }

  @Test
  void helmFindsNothingToSayAgainstIt() {
    LintResult result = Chart.helm().lint().strict().call();
    assertThat(result.isFailed()).as("%s", result.getMessages()).isFalse();
    assertThat(result.getMessages()).noneMatch(message -> message.contains("WARNING"));
  }

  @ParameterizedTest
  @MethodSource("choices")
  void everyChoiceIsRenderedIntoObjectsThatAClusterTakes(Choice choice) throws Exception {
    List<HasMetadata> objects = Chart.objects(choice.values());
    DaemonSet daemonSet = Chart.only(DaemonSet.class, objects);
    holdsItsPromises(choice, daemonSet);
    isReadByTheAgent(Chart.all(ConfigMap.class, objects));
    Set<String> names = new HashSet<>();
    for (HasMetadata object : objects) {
      assertThat(names.add(object.getKind() + " " + object.getMetadata().getName()))
          .as("two of %s", object.getMetadata().getName())
          .isTrue();
      assertThat(object.getKind()).isNotEqualTo("PriorityClass");
    }
  }

  private static void holdsItsPromises(Choice choice, DaemonSet daemonSet) {
    var pod = daemonSet.getSpec().getTemplate().getSpec();
    assertThat(pod.getContainers()).hasSize(1);
    Container agent = pod.getContainers().getFirst();
    boolean privileged = choice.values().matches(".*\"?privileged\"?: ?true.*");
    var context = agent.getSecurityContext();
    assertThat(context.getPrivileged()).isEqualTo(privileged);
    assertThat(context.getReadOnlyRootFilesystem()).isTrue();
    assertThat(context.getAllowPrivilegeEscalation()).isEqualTo(privileged ? null : false);
    assertThat(context.getCapabilities().getDrop()).containsExactly("ALL");
    assertThat(context.getCapabilities().getAdd())
        .containsExactlyInAnyOrderElementsOf(CAPABILITIES);
    assertThat(pod.getSecurityContext().getSeccompProfile().getType()).isEqualTo("RuntimeDefault");
    assertThat(pod.getHostNetwork()).isNull();
    assertThat(pod.getHostPID()).isTrue();
    assertThat(agent.getImage()).doesNotContain("latest").matches(".+[:@].+");
    assertThat(hostPaths(pod.getVolumes())).isSubsetOf(allowed(choice));
    Map<String, String> volumes = new HashMap<>();
    pod.getVolumes()
        .forEach(
            volume -> {
              if (volume.getHostPath() != null) {
                volumes.put(volume.getName(), volume.getHostPath().getPath());
              }
            });
    for (VolumeMount mount : agent.getVolumeMounts()) {
      if (volumes.containsKey(mount.getName()) && !mount.getName().equals("driver")) {
        assertThat(mount.getMountPath())
            .as("host path and the container's path")
            .isEqualTo(volumes.get(mount.getName()));
      }
    }
    assertThat(daemonSet.getSpec().getUpdateStrategy().getRollingUpdate().getMaxSurge())
        .extracting("value")
        .isEqualTo(0);
  }

  private static Set<String> allowed(Choice choice) {
    Set<String> allowed = new HashSet<>(HOST_PATHS);
    String more = MORE_HOST_PATHS.get(choice.name());
    if (more != null) {
      allowed.add(more);
    }
    return allowed;
  }

  private static Set<String> hostPaths(List<Volume> volumes) {
    return volumes.stream()
        .filter(volume -> volume.getHostPath() != null)
        .map(volume -> volume.getHostPath().getPath())
        .collect(Collectors.toSet());
  }

  private static AgentConfig isReadByTheAgent(List<ConfigMap> maps) throws Exception {
    String text =
        maps.stream()
            .filter(map -> map.getData().containsKey("agent.yaml"))
            .map(map -> map.getData().get("agent.yaml"))
            .findFirst()
            .orElseThrow();
    Path file = Files.writeString(folder.resolve("agent.yaml"), text);
    return new ConfigLoader(
            Map.of("ALIQUOT_NODE_NAME", "worker-7", "ALIQUOT_HTTP_ADDRESS", "10.1.2.3"),
            MachineDefaults.system())
        .load(Map.of(), file);
  }

  @Test
  void theAgentIsToldWhatTheValuesSay() throws Exception {
    AgentConfig config =
        isReadByTheAgent(
            Chart.all(
                ConfigMap.class,
                Chart.objects(
                    """
                    hostPool: {size: 24Gi, reserve: 2Gi}
                    sharing: {headroomPercent: 2.5, swap: preferred}
                    health: {hyperpod: [node, replace], taint: true, expectedDevices: 8}
                    config: {sample-period: 500ms, http-max-connections: 12}
                    http: {port: 9555}
                    """)));
    assertThat(config.hostPoolBytes()).isEqualTo(24L << 30);
    assertThat(config.hostPoolReserveBytes()).isEqualTo(2L << 30);
    assertThat(config.headroomPercent()).isEqualTo(2.5);
    assertThat(config.healthTaint()).isTrue();
    assertThat(config.healthHyperpod()).hasSize(2);
    assertThat(config.expectedDevices()).isEqualTo(8);
    assertThat(config.samplePeriod()).hasMillis(500);
    assertThat(config.httpMaxConnections()).isEqualTo(12);
    assertThat(config.httpPort()).isEqualTo(9555);
    assertThat(config.httpAddress()).isEqualTo("10.1.2.3");
    assertThat(config.devicePlugin()).isTrue();
    assertThat(config.podAnnotations()).isTrue();
  }

  @Test
  void itIsOfTheProgramsVersion() throws Exception {
    Matcher version =
        Pattern.compile("<artifactId>aliquot-parent</artifactId>\\s*<version>([^<-]+)")
            .matcher(Files.readString(Path.of("../pom.xml")));
    assertThat(version.find()).isTrue();
    assertThat(Files.readString(Chart.FOLDER.resolve("Chart.yaml")))
        .contains("\nversion: " + version.group(1) + "\n")
        .contains("\nappVersion: " + version.group(1) + "\n");
  }

  @Test
  void everyKeyThatTheChartSetsIsRefusedAmongTheOthers() {
    Set<String> refused = new HashSet<>();
    Chart.schema()
        .at("/properties/config/propertyNames/not/enum")
        .forEach(key -> refused.add(key.asText()));
    String all =
        "{driver: {from: simulated}, kernelLogFile: /var/log/kern.log, hostPool: {reserve: 1Gi}}";
    String text = Chart.only(ConfigMap.class, Chart.objects(all)).getData().get("agent.yaml");
    Set<String> set =
        text.lines()
            .filter(line -> !line.isBlank())
            .map(line -> line.split(":", -1)[0])
            .filter(key -> !key.equals("cgroup-root"))
            .collect(Collectors.toSet());
    set.addAll(Set.of("node-name", "http-address"));
    assertThat(refused).containsExactlyInAnyOrderElementsOf(set);
  }

  @ParameterizedTest
  @CsvSource({"16Gi, 256Mi, 16640", "0, 256Mi, 256", "1Ti, 1Gi, 1049600", "512Mi, 300Mi, 812"})
  void theMemoryRequestIsTheAgentsOwnAndTheHostPools(String pool, String own, long mebibytes) {
    Container agent =
        Chart.only(
                DaemonSet.class,
                Chart.objects(
                    "{hostPool: {size: \"%s\"}, resources: {memory: %s}}".formatted(pool, own)))
            .getSpec()
            .getTemplate()
            .getSpec()
            .getContainers()
            .getFirst();
    assertThat(agent.getResources().getRequests().get("memory").getNumericalAmount())
        .isEqualByComparingTo(java.math.BigDecimal.valueOf(mebibytes << 20));
    assertThat(agent.getResources().getLimits()).containsOnlyKeys("memory");
  }

  @Test
  void valuesThatAreNoChoiceArriveWhereTheyBelong() {
    String digest = "sha256:" + "0123456789abcdef".repeat(4);
    List<HasMetadata> objects =
        Chart.objects(
            """
            image: {digest: "%s", pullSecrets: [pull]}
            kernelLogFile: /var/log/kern.log
            extraCapabilities: [SYS_ADMIN]
            nodeSelector: {pool: gpu}
            priorityClassName: ""
            podAnnotations: {devices.nri.io/container.agent: "- path: /dev/kmsg"}
            driver: {runtimeClassName: ""}
            networkPolicy: {from: []}
            health: {kubernetes: "off"}
            pods: {readAnnotations: false}
            serviceAccount: {create: false}
            """
                .formatted(digest));
    var template = Chart.only(DaemonSet.class, objects).getSpec().getTemplate();
    var pod = template.getSpec();
    Container agent = pod.getContainers().getFirst();
    assertThat(agent.getImage()).isEqualTo("aliquot-agent@" + digest);
    assertThat(pod.getImagePullSecrets())
        .singleElement()
        .hasFieldOrPropertyWithValue("name", "pull");
    assertThat(hostPaths(pod.getVolumes()))
        .as("the folder: a mount of the file would miss what comes after a rotation")
        .contains("/var/log")
        .doesNotContain("/dev/kmsg", "/var/log/kern.log");
    assertThat(agent.getVolumeMounts())
        .filteredOn(mount -> mount.getName().equals("kernel-log"))
        .singleElement()
        .hasFieldOrPropertyWithValue("mountPath", "/var/log")
        .hasFieldOrPropertyWithValue("readOnly", true);
    assertThat(agent.getSecurityContext().getCapabilities().getAdd()).contains("SYS_ADMIN");
    assertThat(pod.getNodeSelector()).containsExactly(Map.entry("pool", "gpu"));
    assertThat(pod.getPriorityClassName()).isNull();
    assertThat(pod.getRuntimeClassName()).isNull();
    assertThat(pod.getServiceAccountName()).isEqualTo("default");
    assertThat(template.getMetadata().getAnnotations())
        .containsEntry("devices.nri.io/container.agent", "- path: /dev/kmsg");
    var policy = Chart.only(NetworkPolicy.class, objects).getSpec();
    assertThat(policy.getPolicyTypes()).containsExactly("Ingress", "Egress");
    assertThat(policy.getIngress()).as("nobody scrapes").isEmpty();
    assertThat(policy.getEgress()).as("it speaks with nobody").isEmpty();
  }

  @Test
  void numbersAndNamesThatLookLikeOthersStayWhatTheyAre() {
    List<HasMetadata> objects =
        Chart.objects(
            "{config: {http-max-connections: 1000000}, priorityClassName: \"123\", "
                + "driver: {runtimeClassName: \"on\"}, image: {pullSecrets: [\"1e3\"]}}");
    assertThat(Chart.only(ConfigMap.class, objects).getData().get("agent.yaml"))
        .contains("http-max-connections: \"1000000\"");
    var pod = Chart.only(DaemonSet.class, objects).getSpec().getTemplate().getSpec();
    assertThat(pod.getPriorityClassName()).isEqualTo("123");
    assertThat(pod.getRuntimeClassName()).isEqualTo("on");
    assertThat(pod.getImagePullSecrets().getFirst().getName()).isEqualTo("1e3");
  }

  @Test
  void aChangedConfigurationIsANewRollOut() {
    assertThat(checksum("{log: {level: debug}}")).isNotEqualTo(checksum("{}"));
    assertThat(checksum("{podLabels: {team: a}}")).isEqualTo(checksum("{}"));
  }

  private static String checksum(String values) {
    return Chart.only(DaemonSet.class, Chart.objects(values))
        .getSpec()
        .getTemplate()
        .getMetadata()
        .getAnnotations()
        .get("aliquot.dev/config-checksum");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{image: {tag: latest}} | tag",
        "{image: {digest: sha256:abc}} | digest",
        "{hostPool: {size: 16GB}} | size",
        "{hostPool: {sise: 16Gi}} | sise",
        "{driver: {from: gpu-operator}} | from",
        "{driver: {from: host}} | privileged",
        "{extraCapabilities: [ALL]} | extraCapabilities",
        "{health: {kubernetes: maybe}} | kubernetes",
        "{devicePlugin: {resourceName: gpu}} | resourceName",
        "{config: {http-port: 1}} | http-port",
        "{config: {sample-period: [1s]}} | sample-period",
        "{http: {port: 80}} | port",
        "{updateStrategy: {maxSurge: 1}} | maxSurge",
        "{kernelLogFile: ../etc/shadow} | kernelLogFile",
        "{kernelLogFile: /etc/shadow} | kernelLogFile",
        "{kernelLogFile: /var/log/../../etc/shadow} | kernelLogFile",
      })
  void aWrongValueIsRefusedByItsName(String values, String word) {
    assertThatThrownBy(() -> Chart.text(values))
        .hasMessageContaining("values don't meet the specifications")
        .hasMessageContaining(word);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/var/lib/../../etc",
        "/..",
        "/var/lib/kubelet/..",
        "/var/./lib",
        "/",
        "//",
        "/var//lib",
        "/var/lib/kubelet/",
        "var/lib/kubelet",
        "../etc",
        "/var/lib/a b",
        "/var/lib/{x}",
        "/var/lib\netc",
        ""
      })
  void aFolderThatIsNoPlainAbsolutePathIsRefusedInASentence(String path) {
    for (String value : List.of("devicePlugin.kubeletDir", "driver.hostFolder")) {
      assertThatThrownBy(() -> Chart.text(Chart.value(value, TextNode.valueOf(path))))
          .hasMessageContaining(
              value + " is \"" + path.replace("\n", "\\n") + "\": give an absolute path such as /")
          .hasMessageContaining("without the parts . and ..");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"/k", "/var/lib/k0s/kubelet", "/opt/.kube/..data/k-1.2_3+4"})
  void aPlainFolderIsWhereTheKubeletsAndTheDriversFilesAre(String path) {
    String values =
        "{devicePlugin: {kubeletDir: %s}, driver: {from: host, hostFolder: %s}, privileged: true}"
            .formatted(path, path);
    List<HasMetadata> objects = Chart.objects(values);
    assertThat(
            hostPaths(
                Chart.only(DaemonSet.class, objects)
                    .getSpec()
                    .getTemplate()
                    .getSpec()
                    .getVolumes()))
        .contains(path, path + "/device-plugins", path + "/pod-resources");
    assertThat(Chart.only(ConfigMap.class, objects).getData().get("agent.yaml"))
        .contains("kubelet-dir: \"" + path + "\"");
  }
}
