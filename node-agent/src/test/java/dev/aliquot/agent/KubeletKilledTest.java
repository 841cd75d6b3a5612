package dev.aliquot.agent;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.aliquot.agent.http.Json;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.KubeletView;
import dev.aliquot.agent.view.LiveView;
import dev.aliquot.cli.Main;
import dev.aliquot.plugin.kubelet.PodSpec;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Iterator;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The agent as its own command, killed while pods use it. */
class KubeletKilledTest extends KubeletFixture {

  private Talker command() {
    return talk(
        Map.of(),
        Path.of(System.getProperty("java.home"), "bin", "java"),
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "--enable-native-access=ALL-UNNAMED",
        "-cp",
        System.getProperty("java.class.path"),
        Main.class.getName(),
        "agent",
        "--state-dir",
        options.stateDir().toString(),
        "--library-dir",
        String.valueOf(options.libraryDir()),
        "--simulate",
        String.valueOf(options.simulate()),
        "--host-pool-size",
        "0",
        "--http-port",
        "0",
        "--device-plugin",
        "on",
        "--kubelet-dir",
        kubeletFolder.toString());
  }

  private Talker commandInPlaceOfTheAgent() {
    service.close();
    service = null;
    agent.close();
    Eventually.soon(() -> assertThat(kubelet.healthyUnits()).isZero());
    return command();
  }

  @Test
  void whoWatchesThePageIsToldOfTheKubeletWhenSomethingHappensThere() throws Exception {
    Talker command = commandInPlaceOfTheAgent();
    awaitUnits();
    try (HttpClient client = HttpClient.newHttpClient();
        Stream<String> lines = client.send(live(), BodyHandlers.ofLines()).body()) {
      Iterator<KubeletView> told =
          lines
              .filter(line -> line.startsWith("data: "))
              .map(line -> Json.read(line.substring(6).getBytes(UTF_8), LiveView.class))
              .map(live -> live.node().kubelet())
              .iterator();
      assertThat(told.next().registered()).isTrue();
      PodSpec pod = PodSpec.of("pod", 40);
      admit(pod);
      run(pod, "main", id(1));
      assertThat(Stream.generate(told::next).limit(20).anyMatch(KubeletKilledTest::podRuns))
          .isTrue();
    }
    command.kill();
    agent = Agent.start(options, InstantSource.system());
  }

  private static boolean podRuns(KubeletView view) {
    return view.grants().stream().anyMatch(grant -> grant.holder().equals("default/pod/main"));
  }

  private HttpRequest live() throws Exception {
    Path file = options.stateDir().resolve("agent.json");
    Eventually.soon(() -> assertThat(file).exists());
    String http = new JsonMapper().readTree(Files.readString(file)).path("http").asText();
    return HttpRequest.newBuilder(URI.create("http://" + http + "/api/v1/live")).build();
  }

  @Test
  void podsGoOnAndTheNextAgentGoesOnWithThem() throws Exception {
    Talker first = commandInPlaceOfTheAgent();
    awaitUnits();
    PodSpec pod = PodSpec.of("pod", 40);
    PodSpec late = PodSpec.of("late", 40);
    admit(pod);
    admit(late);
    Talker program = run(pod, "main", id(1));
    assertThat(program.say("init")).isEqualTo(SUCCESS);
    assertThat(program.say("alloc " + GIB)).isEqualTo(SUCCESS);

    first.kill();
    assertThat(program.say("alloc " + 256 * MIB))
        .as("all of the share was granted ahead")
        .isEqualTo(SUCCESS);
    Eventually.soon(() -> assertThat(kubelet.healthyUnits()).isZero());
    assertThat(kubelet.startContainer("late", "main").runs()).isFalse();

    Talker second = command();
    awaitUnits();
    assertThat(program.say("alloc " + 2 * GIB)).isEqualTo(OUT_OF_MEMORY);
    assertThat(program.say("free")).isEqualTo(SUCCESS);
    Talker another = run(late, "main", id(2));
    assertThat(another.say("init")).isEqualTo(SUCCESS);
    assertThat(another.say("alloc " + 2 * GIB)).isEqualTo(SUCCESS);
    program.kill();
    kubelet.endContainer("pod", "main");
    Talker again = run(pod, "main", id(3));
    assertThat(again.say("init")).as("started again").isEqualTo(SUCCESS);
    assertThat(again.say("alloc " + 2 * GIB)).isEqualTo(SUCCESS);
    second.kill();
    agent = Agent.start(options, InstantSource.system());
  }
}
