package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aliquot.agent.plugin.AnnotationSource;
import dev.aliquot.agent.plugin.Injections;
import dev.aliquot.agent.plugin.PodNode;
import dev.aliquot.agent.plugin.PodService;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.agent.state.TenantRecords;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.view.FaultView;
import dev.aliquot.agent.view.TenantSpec;
import dev.aliquot.agent.view.TenantView;
import dev.aliquot.ledger.Priority;
import dev.aliquot.linux.Identity;
import dev.aliquot.plugin.ledger.KeptGrant;
import dev.aliquot.plugin.node.Grant;
import dev.aliquot.plugin.node.Injection;
import dev.aliquot.plugin.node.NodeDevice;
import dev.aliquot.plugin.node.PodContainer;
import dev.aliquot.plugin.state.StateFile;
import dev.aliquot.plugin.unit.GrantKey;
import dev.aliquot.residency.SwapMode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * An agent that is started on what an agent of an earlier version has left carries on with it: the
 * files in the folder state-0.1.0 of the test's resources, which that version has written. So does
 * it where a newer one, from which somebody went back, has written more.
 *
 * <p>The files stay as they are for as long as that version may be upgraded from. Those of another
 * one are made by it, with the folder's name in {@link #KEPT} changed:
 *
 * <pre>mvn -pl node-agent -am test -Dtest=EarlierStateTest -Dsurefire.failIfNoSpecifiedTests=false
 *   -Daliquot.test.args=-Daliquot.state.write=true
 * </pre>
 */
class EarlierStateTest extends FaultFixture {
  private static final Path KEPT = Path.of("src/test/resources/dev/aliquot/agent/state-0.1.0");

  private static final JsonMapper JSON = new JsonMapper();
  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

  /** What stands in the files for what is another on each machine. */
  private static final String DEVICE = "GPU-00000000-0000-4000-8000-00000000000";

  private static final String BOOT = "00000000-0000-4000-8000-00000000b007";
  private static final String USER = "\"uid\":0,\"gid\":0";
  private static final String STATE = "/state-of-the-agent";
  private static final String LIBRARIES = "/libraries-of-the-agent";

  /** What a container was told to mount: in no file of the agent's, but in the kubelet's. */
  private static final String INJECTION = "injection.json";

  /** The tenants' two pages, each with its size and what is before the zeros at its end. */
  private static final String PAGES = "pages.json";

  private static final String POD = "0f9c5a3e-1b2d-4c6f-8a7b-1234567890ab";
  private static final String KEY = "00000000000000aa";
  private static final String GONE = "GPU-99999999-9999-4999-8999-999999999999";

  private Map<String, String> ofThisMachine() throws IOException {
    Map<String, String> all = new TreeMap<>();
    agent.view().devices().forEach(each -> all.put(DEVICE + each.index(), each.uuid()));
    all.put(BOOT, Files.readString(BOOT_ID).strip());
    all.put(
        USER,
        "\"uid\":%d,\"gid\":%d".formatted(Identity.effectiveUserId(), Identity.effectiveGroupId()));
    all.put(STATE, options.stateDir().toString());
    all.put(LIBRARIES, agent.places().libraries().toString());
    return all;
  }

  private PodNode podNode() throws IOException {
    return PodNode.of(
        agent, new Injections.Way.Environment(), "aliquot.dev", AnnotationSource.NONE);
  }

  private Grant podGrant() {
    return new Grant(KEY, new TreeSet<>(List.of("id")), List.of(device(0).uuid()), 25);
  }

  /** Any devices: a grant's key is made of its ids. */
  private static List<KeptGrant> grants() {
    SortedSet<String> two = new TreeSet<>(List.of("GPU-1.00", "GPU-1.01"));
    SortedSet<String> one = new TreeSet<>(List.of("GPU-2.07"));
    return List.of(
        new KeptGrant(new Grant(GrantKey.of(two), two, List.of("GPU-1"), 2), null, true),
        new KeptGrant(
            new Grant(GrantKey.of(one), one, List.of("GPU-2"), 1),
            new PodContainer("shop", "web-1", POD, "app"),
            false));
  }

  /** What is in the folder of an agent with a tenant, a pod's tenant, and a device that is out. */
  private Map<String, String> write() throws Exception {
    agent.createTenant(
        new TenantSpec(
            "notebook",
            "research",
            "notebook-ada-0",
            "jupyter",
            List.of("0"),
            GIB,
            null,
            3 * GIB,
            null,
            SwapMode.NEVER,
            Priority.HIGH,
            0),
        peer(ownPid()));
    PodNode node = podNode();
    node.bind(podGrant(), new PodContainer("shop", "web-1", POD, "app"));
    Injection injection = node.injection(podGrant());
    xid(1, 31);
    xid(1, 143);
    awaitState(1, "needs-reboot");
    Eventually.soon(() -> assertThat(faults("31")).isNotEmpty());
    Path state = options.stateDir();
    new StateFile(PodService.stateFile(agent)).write(grants());
    Map<String, String> machine = ofThisMachine();
    agent.close();
    TenantRecords records = new TenantRecords(state.resolve("registry"));
    for (TenantRecord record : records.load()) {
      records.save(record.withRefusals(7));
    }
    Map<String, String> files = new TreeMap<>();
    try (var all = Files.newDirectoryStream(state.resolve("registry"))) {
      for (Path file : all) {
        files.put("registry/" + file.getFileName(), Files.readString(file));
      }
    }
    for (String name : List.of("health.json", "kubelet-devices.json", "kubelet-grants.json")) {
      files.put(name, Files.readString(state.resolve(name)));
    }
    files.put(PAGES, pages(state, machine));
    files.put(INJECTION, JSON.writeValueAsString(injection));
    files.replaceAll(
        (name, text) -> {
          String kept = text;
          for (var word : machine.entrySet()) {
            kept = kept.replace(word.getValue(), word.getKey());
          }
          return name.equals("kubelet-devices.json")
              ? kept.replace(
                  "\"devices\":[",
                  "\"devices\":[{\"index\":2,\"uuid\":\"" + GONE + "\",\"numaNode\":-1},")
              : kept;
        });
    return files;
  }

  private static Map<String, String> kept() throws IOException {
    Map<String, String> files = new TreeMap<>();
    try (var all = Files.walk(KEPT)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        files.put(KEPT.relativize(file).toString(), Files.readString(file));
      }
    }
    assertThat(files).hasSize(7);
    return files;
  }

  /** Starts on the kept files, as the change leaves each of them. */
  private void startOn(Map<String, String> kept, UnaryOperator<JsonNode> change) throws Exception {
    Map<String, String> machine = ofThisMachine();
    agent.close();
    for (var file : kept.entrySet()) {
      if (file.getKey().equals(INJECTION)) {
        continue;
      }
      if (file.getKey().equals(PAGES)) {
        layPages(JSON.readTree(file.getValue()), machine);
        continue;
      }
      String text = JSON.writeValueAsString(change.apply(JSON.readTree(file.getValue())));
      for (var word : machine.entrySet()) {
        text = text.replace(word.getKey(), word.getValue());
      }
      Files.writeString(options.stateDir().resolve(file.getKey()), text);
    }
    agent = Agent.start(options, InstantSource.system());
  }

  /** Makes the pages as they were, of tenants without a process. */
  private void layPages(JsonNode pages, Map<String, String> machine) throws IOException {
    for (var page : pages.properties()) {
      Path file = options.stateDir().resolve(page.getKey());
      Files.createDirectories(file.getParent());
      byte[] head = Base64.getDecoder().decode(page.getValue().path("head").asText());
      byte[] content = Arrays.copyOf(head, page.getValue().path("size").asInt());
      for (var word : machine.entrySet()) {
        content = withText(content, word.getKey(), word.getValue());
      }
      Files.write(file, content);
    }
  }

  /** Texts in pages are ended by zeros, of which there are enough: nothing else moves. */
  private static byte[] withText(byte[] page, String from, String to) {
    String was = new String(page, StandardCharsets.ISO_8859_1);
    Matcher places = Pattern.compile(Pattern.quote(from) + "([^\0]*)(\0+)").matcher(was);
    String now =
        places.replaceAll(
            place -> {
              String text = to + place.group(1);
              int length = place.end() - place.start();
              assertThat(text).hasSizeLessThan(length);
              return Matcher.quoteReplacement(text + "\0".repeat(length - text.length()));
            });
    return now.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static String pages(Path state, Map<String, String> machine) throws IOException {
    ObjectNode pages = JSON.createObjectNode();
    for (String folder : List.of("tenants", "pods")) {
      try (var all = Files.walk(state.resolve(folder))) {
        for (Path file : all.filter(Files::isRegularFile).sorted().toList()) {
          byte[] content = Files.readAllBytes(file);
          for (var word : machine.entrySet()) {
            content = withText(content, word.getValue(), word.getKey());
          }
          assertThat(new String(content, StandardCharsets.ISO_8859_1))
              .doesNotContain(machine.values());
          int end = content.length;
          while (end > 0 && content[end - 1] == 0) {
            end--;
          }
          pages
              .putObject(state.relativize(file).toString())
              .put("size", content.length)
              .put("head", Base64.getEncoder().encodeToString(Arrays.copyOf(content, end)));
        }
      }
    }
    return JSON.writeValueAsString(pages);
  }

  private static JsonNode inEveryObject(JsonNode node, Consumer<ObjectNode> change) {
    node.forEach(each -> inEveryObject(each, change));
    if (node instanceof ObjectNode object) {
      change.accept(object);
    }
    return node;
  }

  private void assertCarriesOn() throws Exception {
    assertThat(agent.view().tenants())
        .extracting(TenantView::name, TenantView::requestBytes, TenantView::refusals)
        .containsExactlyInAnyOrder(
            tuple("notebook", GIB, 7L), tuple("shop/web-1/app", device(0).capacityBytes() / 4, 7L));
    TenantView notebook = view("notebook");
    assertThat(List.of(notebook.namespace(), notebook.pod(), notebook.container()))
        .containsExactly("research", "notebook-ada-0", "jupyter");
    assertThat(notebook.limitBytes()).isEqualTo(3 * GIB);
    assertThat(device(0).state()).isEqualTo("healthy");
    assertThat(device(1).state()).isEqualTo("needs-reboot");
    assertThat(agent.health().faults())
        .extracting(FaultView::code, FaultView::device)
        .contains(tuple("31", device(1).uuid()), tuple("143", device(1).uuid()));
    assertThat(podNode().devices())
        .extracting(NodeDevice::uuid, NodeDevice::healthy)
        .containsExactly(
            tuple(device(0).uuid(), true), tuple(device(1).uuid(), false), tuple(GONE, false));
  }

  @Test
  void anAgentCarriesOnWithWhatAnEarlierOneHasLeft() throws Exception {
    startOn(kept(), node -> node);
    assertCarriesOn();
    assertThat(view("notebook").swap().mode()).isEqualTo("never");
    assertThat(view("notebook").priority()).isEqualTo("high");
    assertThat(new StateFile(PodService.stateFile(agent)).read()).isEqualTo(grants());
  }

  @Test
  void whatANewerOneHasWrittenBesidesIsLeftAlone() throws Exception {
    startOn(
        kept(),
        node ->
            inEveryObject(
                node,
                object -> {
                  if (object.properties().stream()
                      .noneMatch(each -> each.getKey().startsWith("GPU-"))) {
                    object.putObject("ofTomorrow").putArray("words").add("new").add(1);
                  }
                }));
    assertCarriesOn();
    assertThat(new StateFile(PodService.stateFile(agent)).read()).isEqualTo(grants());
  }

  @Test
  void whatAnOlderOneDidNotKnowIsAsUsual() throws Exception {
    List<String> later =
        List.of("priority", "swapMode", "cgroup", "placed", "said", "passedOn", "holder");
    startOn(kept(), node -> inEveryObject(node, object -> object.remove(later)));
    assertCarriesOn();
    assertThat(view("notebook").swap().mode()).isEqualTo("allowed");
    assertThat(view("notebook").priority()).isEqualTo("normal");
    assertThat(new StateFile(PodService.stateFile(agent)).read())
        .extracting(KeptGrant::grant, KeptGrant::holder, KeptGrant::passedOn)
        .containsExactlyElementsOf(
            grants().stream().map(each -> tuple(each.grant(), null, false)).toList());
  }

  /** The kubelet mounts for as long as a pod lives what it was told when it was admitted. */
  @Test
  void whatContainersHaveMountedByAnEarlierAnswerIsStillThere() throws Exception {
    Map<String, String> machine = ofThisMachine();
    startOn(kept(), node -> node);
    PodNode node = podNode();
    String told = kept().getOrDefault(INJECTION, "");
    for (var word : machine.entrySet()) {
      told = told.replace(word.getKey(), word.getValue());
    }
    Injection then = JSON.readValue(told, Injection.class);
    Injection now = node.injection(podGrant());
    assertThat(then.mounts()).hasSizeGreaterThan(3);
    assertThat(now.mounts()).containsAll(then.mounts());
    assertThat(now.environment()).containsAllEntriesOf(then.environment());
    assertThat(then.mounts()).allSatisfy(mount -> assertThat(Path.of(mount.hostPath())).exists());
  }

  /** Else an agent of that version could not be gone back to. */
  @Test
  void everythingThatAnEarlierOneReadsIsStillWritten() throws Exception {
    Map<String, String> now = write();
    if (Boolean.getBoolean("aliquot.state.write")) {
      for (var file : now.entrySet()) {
        Path to = KEPT.resolve(file.getKey());
        Files.createDirectories(to.getParent());
        Files.writeString(to, file.getValue() + "\n");
      }
    }
    assertThat(fields(now)).containsAll(fields(kept()));
    agent = Agent.start(options, InstantSource.system());
  }

  /** Names of fields with the kind of their file; those of the registry are of one kind. */
  private static SortedSet<String> fields(Map<String, String> files) throws IOException {
    SortedSet<String> fields = new TreeSet<>();
    for (var file : files.entrySet()) {
      String kind = file.getKey().replaceFirst("/.*", "");
      if (kind.equals(PAGES)) {
        continue;
      }
      inEveryObject(
          JSON.readTree(file.getValue()),
          object -> object.fieldNames().forEachRemaining(name -> fields.add(kind + ": " + name)));
    }
    return fields;
  }
}
