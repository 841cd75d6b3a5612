package dev.aliquot.daemonset;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.aliquot.cli.program.PackedProgram;
import dev.aliquot.cli.program.SelfCommand;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * A real Prometheus that scrapes a real agent on a simulated node, with a tenant that computes:
 * what the dashboards ask for is there.
 */
class ScrapeTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Pattern LISTENS =
      Pattern.compile("msg=\"Listening on\"[^\\n]*address=(127\\.0\\.0\\.1:[0-9]+)");

  /** A counter with its labels, and its name. */
  private static final Pattern INCREASE =
      Pattern.compile("(?:increase|rate)\\((([a-z_]+)(?:\\{[^}]*})?)\\[");

  private static final JsonMapper JSON = new JsonMapper();

  /** What must show something on a node with a tenant, whatever it does. */
  private static final List<String> BASIC =
      List.of(
          "node: Agents ready",
          "node: Devices",
          "node: Tenants",
          "node: Allocated",
          "node: Used",
          "node: Utilization",
          "node: Memory",
          "node: Versions",
          "node: Free of each device",
          "tenants: Guaranteed",
          "tenants: Used, by pod",
          "tenants: Devices' worth allocated, by namespace",
          "tenants: Devices' worth busy, by namespace",
          "tenants: Used of what is guaranteed, by pod",
          "tenants: Tenants",
          "health: Devices out",
          "health: States of devices",
          "health: Kernel logs read",
          "swap: Swapped out",
          "swap: Host pool used",
          "swap: Chunks");

  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final List<Process> STARTED = new ArrayList<>();
  private static Path folder;
  private static String prometheus;

  @BeforeAll
  static void start() throws Exception {
    Path program = PrometheusPart.program("prometheus");
    folder = PackedProgram.temporaryFolder("alq-scrape-");
    Path state = folder.resolve("s");
    start(
        "agent",
        SelfCommand.of(
            List.of(
                "agent",
                "--state-dir",
                state.toString(),
                "--http-port",
                "0",
                "--host-pool-size",
                "1GiB",
                "--host-pool-reserve",
                "0",
                "--simulate",
                "devices=2,memory=4GiB,model=L4,context=64MiB")));
    Path announcement = state.resolve("agent.json");
    soon(() -> assertThat(announcement).exists());
    String agent = JSON.readTree(announcement.toFile()).path("http").asText();
    Path tenant = PackedProgram.unpack("demo/demo-tenant", folder);
    start(
        "tenant",
        SelfCommand.of(
            List.of(
                "run",
                "--state-dir",
                state.toString(),
                "--gpu-memory",
                "1GiB",
                "--",
                tenant.toString(),
                "--seconds",
                "600",
                "--touch-mib",
                "1")));
    Path config =
        Files.writeString(
            folder.resolve("prometheus.yml"),
            """
            global: {scrape_interval: 1s, evaluation_interval: 1s}
            rule_files: ["%s/*-rules.yaml"]
            scrape_configs:
              - job_name: aliquot
                honor_labels: true
                static_configs: [{targets: ["%s"], labels: {namespace: aliquot-system, pod: agent}}]
            """
                .formatted(Path.of("prometheus").toAbsolutePath(), agent));
    Path log =
        start(
            "prometheus",
            List.of(
                program.toString(),
                "--config.file=" + config,
                "--storage.tsdb.path=" + folder.resolve("data"),
                "--web.listen-address=127.0.0.1:0"));
    soon(
        () -> {
          Matcher listens = LISTENS.matcher(Files.readString(log));
          assertThat(listens.find()).as(Files.readString(log)).isTrue();
          prometheus = "http://" + listens.group(1);
        });
    soon(
        () ->
            assertThat(query("rate(aliquot_tenant_memory_used_bytes[1m]) >= 0").isEmpty())
                .as("two scrapes with the tenant")
                .isFalse());
  }

  private static Path start(String name, List<String> command) throws IOException {
    Path log = folder.resolve(name + ".log");
    STARTED.add(
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start());
    return log;
  }

  @AfterAll
  static void stop() throws Exception {
    for (Process process : STARTED.reversed()) {
      process.destroy();
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    }
    if (folder != null) {
      try (var files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.deleteIfExists(file);
        }
      }
    }
  }

  private static void soon(ThrowingCallable assertion) {
    long start = System.nanoTime();
    while (true) {
      try {
        assertion.call();
        return;
      } catch (Throwable e) {
        if (System.nanoTime() - start > PATIENCE.toNanos()) {
          throw new AssertionError("not within " + PATIENCE.toSeconds() + " s: " + e, e);
        }
        java.util.concurrent.locks.LockSupport.parkNanos(100_000_000);
      }
    }
  }

  private static JsonNode get(String path) throws IOException, InterruptedException {
    HttpResponse<String> response =
        HTTP.send(
            HttpRequest.newBuilder(URI.create(prometheus + path)).build(),
            HttpResponse.BodyHandlers.ofString());
    JsonNode answer = JSON.readTree(response.body());
    assertThat(answer.path("status").asText()).as(response.body()).isEqualTo("success");
    return answer.path("data");
  }

  private static JsonNode query(String expression) throws IOException, InterruptedException {
    return get("/api/v1/query?query=" + URLEncoder.encode(expression, StandardCharsets.UTF_8))
        .path("result");
  }

  @Test
  void everyExpressionOfEveryDashboardIsAnsweredAndTheBasicOnesWithData() throws Exception {
    TreeSet<String> shown = new TreeSet<>();
    int asked = 0;
    for (Dashboard dashboard : Dashboard.all()) {
      for (JsonNode panel : dashboard.panels()) {
        for (JsonNode target : panel.path("targets")) {
          JsonNode result = query(Query.filledIn(target.path("expr").asText()));
          asked++;
          if (!result.isEmpty()) {
            shown.add(dashboard.toString().replace(".json", ": ") + panel.path("title").asText());
          }
        }
      }
    }
    assertThat(asked).isGreaterThan(80);
    assertThat(shown).containsAll(BASIC);
  }

  @Test
  void everyMetricThatHasSamplesHasTheLabelsOfTheReference() throws Exception {
    JsonNode series = get("/api/v1/series?match[]=%7B__name__%3D~%22aliquot_.%2B%22%7D");
    assertThat(series.size()).isGreaterThan(100);
    for (JsonNode each : series) {
      String name = each.path("__name__").asText();
      TreeSet<String> labels = new TreeSet<>();
      each.fieldNames().forEachRemaining(labels::add);
      labels.remove("__name__");
      // an empty label is none, and what the target adds counts where the sample says nothing
      assertThat(Metrics.labelsOf(name)).as(name).isPresent();
      labels.removeAll(List.of("namespace", "pod"));
      assertThat(Metrics.labelsOf(name).orElseThrow()).as(name).containsAll(labels);
    }
  }

  @Test
  void whatAnAlertTakesTheIncreaseOfIsThereBeforeAnythingHasHappened() throws Exception {
    int asked = 0;
    for (JsonNode group : get("/api/v1/rules").path("groups")) {
      for (JsonNode rule : group.path("rules")) {
        String expression = rule.path("query").asText();
        Matcher counters = INCREASE.matcher(expression);
        while (counters.find()) {
          if (!expression.contains(" unless " + counters.group(2) + " offset ")) {
            asked++;
            assertThat(query(counters.group(1)))
                .as("the first event of %s would not be told", counters.group(1))
                .isNotEmpty();
          }
        }
      }
    }
    assertThat(asked).isGreaterThan(5);
  }

  @Test
  void rulesAreEvaluatedWithoutError() throws Exception {
    soon(
        () -> {
          JsonNode groups = get("/api/v1/rules").path("groups");
          assertThat(groups.size()).isGreaterThan(4);
          for (JsonNode group : groups) {
            for (JsonNode rule : group.path("rules")) {
              assertThat(rule.path("health").asText()).as("%s", rule).isEqualTo("ok");
              assertThat(rule.path("state").asText())
                  .as("nothing is wrong with this node: %s", rule)
                  .isNotEqualTo("firing");
            }
          }
          assertThat(query("DCGM_FI_DEV_FB_USED > 0").isEmpty()).isFalse();
        });
  }

  @Test
  void aTenantOutsideOfKubernetesIsNotTakenForTheAgentsOwnPod() throws Exception {
    assertThat(query("aliquot_tenant_memory_request_bytes").size()).isEqualTo(1);
    assertThat(query("aliquot_tenant_memory_request_bytes{namespace=\"\", pod=\"\"}").size())
        .as("honor_labels keeps an empty label empty")
        .isEqualTo(1);
  }
}
