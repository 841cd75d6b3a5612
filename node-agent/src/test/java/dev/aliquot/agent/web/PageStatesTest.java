package dev.aliquot.agent.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.http.ApiRoutes;
import dev.aliquot.agent.http.EventStream;
import dev.aliquot.agent.http.HttpServer;
import dev.aliquot.agent.http.Limits;
import dev.aliquot.agent.http.Route;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.view.LiveView;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the page makes of nodes that are seldom met: made up, served as an agent serves its own. */
class PageStatesTest {
  private static final Limits LIMITS = new Limits(64, Eventually.PATIENCE);
  private static final String HOSTILE =
      "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
          + "\"'&amp;${1+1}\u202e";

  private static Browser browser;

  private final AtomicReference<MadeUpNode> shown = new AtomicReference<>(new MadeUpNode());
  private EventStream<LiveView> live;
  private HttpServer server;

  @BeforeAll
  static void startBrowser() {
    browser = Browser.start();
  }

  @AfterAll
  static void stopBrowser() {
    if (browser != null) {
      browser.close();
    }
  }

  @BeforeEach
  void serve() throws IOException {
    serve(0, LIMITS);
    browser.look(Browser.WIDE, 900, false);
  }

  private void serve(int port, Limits limits) throws IOException {
    live = WebRoutes.live(() -> shown.get().live(), limits);
    List<Route> routes = new ArrayList<>(WebRoutes.over(live));
    routes.addAll(
        ApiRoutes.over(
            () -> shown.get().node(),
            () -> shown.get().node().health().faults(),
            () -> shown.get().history(),
            () -> "metric 1\n"));
    server = HttpServer.tcp("127.0.0.1", port, limits, routes);
  }

  @AfterEach
  void stop() {
    server.close();
    live.close();
  }

  private int port() {
    return ((InetSocketAddress) server.address()).getPort();
  }

  private void open(MadeUpNode node) {
    shown.set(node);
    browser.open("http://127.0.0.1:" + port() + "/");
    Eventually.soon(() -> assertThat(browser.text("#status")).isEqualTo("live"));
    Eventually.soon(() -> assertThat(browser.count("#devices")).isEqualTo(1));
  }

  @Test
  void anAgentThatIsNotReadySaysWhy() {
    open(new MadeUpNode().healthyDevice().notReady("no device has been read yet"));
    assertThat(browser.text("[role=alert]"))
        .isEqualTo("The agent is not ready. no device has been read yet");
    browser.assertAccessible("not ready");
    shown.set(new MadeUpNode().healthyDevice());
    Eventually.soon(() -> assertThat(browser.count("[role=alert]")).isZero());
  }

  @Test
  void aNodeWithoutDevicesSaysWhatToLookAt() {
    open(new MadeUpNode());
    assertThat(browser.text("#devices")).contains("There is no device.", "aliquot doctor");
    assertThat(browser.text(".faults, .card")).contains("No fault is remembered.");
    browser.assertAccessible("no devices");
  }

  @Test
  void aDeviceWithoutTenantsSaysHowToGetOne() {
    open(new MadeUpNode().healthyDevice());
    assertThat(browser.text(".device")).contains("No tenant has a share", "aliquot run");
    shown.set(new MadeUpNode().healthyDevice().tenant(0, "first", "running"));
    Eventually.soon(() -> assertThat(browser.texts(".tenant-name")).containsExactly("first"));
    assertThat(browser.text(".device")).doesNotContain("No tenant has a share");
  }

  @Test
  void whatTheKubeletHasIsOneLineWhereDevicesAreOfferedToOne() {
    open(new MadeUpNode().healthyDevice());
    assertThat(browser.count(".kubelet")).as("no device plugin").isZero();
    shown.set(
        new MadeUpNode()
            .healthyDevice()
            .healthyDevice()
            .kubelet(true, Map.of("room", 0L), "ns/pod/main"));
    Eventually.soon(
        () ->
            assertThat(browser.text(".kubelet"))
                .isEqualTo(
                    "Kubelet registered aliquot.dev/gpu-fraction, by plugins_registry"
                        + " 25 of 200 units given to 1 container"));
    assertThat(browser.count(".kubelet .warn, .kubelet .bad")).isZero();
    browser.assertAccessible("registered");
  }

  @Test
  void aKubeletThatDoesNotKnowTheDevicesAndStartsThatWaitAreMarkedInWords() {
    MadeUpNode node =
        new MadeUpNode()
            .healthyDevice()
            .kubelet(false, Map.of("room", 2L, "held", 1L, "node", 0L), "ns/pod/main", "");
    open(node);
    assertThat(browser.text(".kubelet p"))
        .isEqualTo(
            "Kubelet not registered aliquot.dev/gpu-fraction 50 of 100 units given to 2 containers"
                + " 1 not started yet starts that had to wait so far: held 1, room 2");
    assertThat(browser.texts(".kubelet .badge"))
        .containsExactly("not registered", "1 not started yet");
    assertThat(browser.texts(".kubelet .banner"))
        .containsExactly("The kubelet does not know it: word");
    for (boolean dark : new boolean[] {false, true}) {
      for (int width : new int[] {Browser.WIDE, Browser.PHONE, 320}) {
        String when = "not registered, " + width + (dark ? " dark" : " light");
        browser.look(width, 800, dark);
        browser.assertNoSidewaysScrolling(when);
        browser.assertAccessible(when);
      }
    }
  }

  @Test
  void whatOthersNameThingsIsShownAsTextAndNeverRun() {
    open(
        new MadeUpNode()
            .saying(HOSTILE)
            .deviceWithStranger()
            .device("unhealthy", HOSTILE, "needs-reset", HOSTILE)
            .tenant(0, HOSTILE, "running")
            .tenant(7, HOSTILE, "running")
            .fault(HOSTILE, HOSTILE, false)
            .degraded(HOSTILE)
            .kubelet(false, Map.of(HOSTILE, 1L))
            .event());
    browser.run("document.querySelectorAll('.opener').forEach(each => each.click())");
    Eventually.soon(() -> assertThat(browser.count(".more")).isEqualTo(2));
    browser.run("document.querySelectorAll('details').forEach(each => each.open = true)");
    String start = HOSTILE.substring(0, 20);
    assertThat(browser.text("h1")).startsWith(start);
    for (String place :
        List.of(
            ".tenant-name",
            ".pod",
            ".processes code",
            ".bypasses",
            ".strangers",
            ".device[aria-labelledby] .reason",
            ".below > .card .faults .badge",
            ".faults details",
            ".kubelet .banner",
            "h2 + .banner.warn")) {
      assertThat(browser.texts(place)).as(place).isNotEmpty().allMatch(t -> t.contains(start));
    }
    assertThat(browser.count("main img, main script, main [onerror]")).isZero();
    assertThat(browser.run("return document.title")).isEqualTo(HOSTILE + " – Aliquot");
    browser.assertNoSidewaysScrolling("hostile names");
    browser.look(Browser.PHONE, 800, false);
    browser.assertNoSidewaysScrolling("hostile names on a phone");
  }

  @Test
  void everyStateOfTenantsAndDevicesIsInWords() {
    MadeUpNode node =
        new MadeUpNode()
            .device("healthy", "", "suspect", "XID 38 10 times in a day")
            .device("unhealthy", "lost: XID 79", "lost", "XID 79")
            .device("unhealthy", "needs-reboot: memory could not be remapped", "needs-reboot", "")
            .device("unknown", "the driver has not answered for 7 s", "healthy", "");
    MadeUpNode.STATES.forEach(state -> node.tenant(0, "is-" + state, state));
    node.tenant(5, "kept", "running");
    node.fault("79", "node", false).fault("31", "app", true).degraded("the kernel log is gone");
    open(node);
    assertThat(browser.texts(".device .card-head .badge"))
        .containsExactly("suspect", "lost", "needs-reboot, wants replacing", "unknown", "lost");
    assertThat(browser.texts(".reason"))
        .contains(
            "XID 38 10 times in a day",
            "lost: XID 79",
            "needs-reboot: memory could not be remapped",
            "the driver has not answered for 7 s");
    assertThat(browser.texts(".state .badge:first-child"))
        .containsExactlyElementsOf(
            java.util.stream.Stream.concat(
                    MadeUpNode.STATES.stream(), java.util.stream.Stream.of("device lost"))
                .toList());
    assertThat(browser.texts(".faults > li"))
        .first()
        .satisfies(drill -> assertThat(drill).contains("XID 31", "drill", "GPU 0"));
    assertThat(browser.text(".banner.warn")).contains("Faults may be missed", "kernel log");
    assertThat(browser.text(".totals")).contains("4 not healthy", "2 tenants swapped out");
    browser.assertAccessible("every state");
    browser.look(Browser.WIDE, 900, true);
    browser.assertAccessible("every state, dark");
  }

  @Test
  void timeOfWhichNothingIsKnownIsAGapInTheLastHour() {
    open(new MadeUpNode().healthyDevice());
    Eventually.soon(() -> assertThat(browser.count(".plot")).isEqualTo(2));
    assertThat(browser.attribute(".plot", "aria-label"))
        .matches("Busy of GPU 0 in the last 60 min; mean \\d+ %, most \\d+ %");
    assertThat(browser.count(".plot:first-of-type svg path.line")).as("two runs each").isEqualTo(4);
    assertThat(browser.count(".plot svg rect.gap")).as("one gap each").isEqualTo(2);
    assertThat(browser.attribute(".plot rect.gap", "x")).isEqualTo("301");
    assertThat(browser.attribute(".plot rect.gap", "width")).isEqualTo("39");
  }

  @Test
  void aPageThatIsNotLiveAnyMoreSaysSinceWhenAndComesBack() throws IOException {
    open(new MadeUpNode().healthyDevice().tenant(0, "before", "running"));
    int port = port();
    stop();
    Eventually.soon(
        () ->
            assertThat(browser.text("#status"))
                .matches("not live since \\d\\d:\\d\\d:\\d\\d: no answer from the agent"));
    assertThat(browser.count("body.stale")).isEqualTo(1);
    assertThat(browser.texts(".tenant-name")).as("what was known").containsExactly("before");
    shown.set(new MadeUpNode().healthyDevice().tenant(0, "after", "running"));
    serve(port, LIMITS);
    Eventually.soon(() -> assertThat(browser.text("#status")).isEqualTo("live"));
    Eventually.soon(() -> assertThat(browser.texts(".tenant-name")).containsExactly("after"));
    assertThat(browser.count("body.stale")).isZero();
  }

  @Test
  void whereAsManyWatchAsMayThePageStillShowsTheNodeAndSaysSo() throws IOException {
    stop();
    Limits few = new Limits(8, Eventually.PATIENCE);
    serve(0, few);
    List<Socket> others = new ArrayList<>();
    try {
      for (int i = 0; i < few.listeners(); i++) {
        Socket other = new Socket();
        others.add(other);
        other.connect(server.address());
        other
            .getOutputStream()
            .write(
                "GET /api/v1/live HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      }
      Eventually.soon(() -> assertThat(live.listeners()).isEqualTo(few.listeners()));
      shown.set(new MadeUpNode().healthyDevice().tenant(0, "seen", "running"));
      browser.open("http://127.0.0.1:" + port() + "/");
      Eventually.soon(() -> assertThat(browser.text("#status")).contains("as many watch as may"));
      Eventually.soon(() -> assertThat(browser.texts(".tenant-name")).containsExactly("seen"));
      shown.set(new MadeUpNode().healthyDevice().tenant(0, "later", "running"));
      Eventually.soon(() -> assertThat(browser.texts(".tenant-name")).containsExactly("later"));
    } finally {
      for (Socket other : others) {
        other.close();
      }
    }
    Eventually.soon(() -> assertThat(browser.text("#status")).isEqualTo("live"));
  }

  @Test
  void aCrowdedNodeFitsAPhone() {
    MadeUpNode node = new MadeUpNode().saying("a-very-long-name-".repeat(6));
    for (int device = 0; device < 8; device++) {
      node.healthyDevice();
      for (int i = 0; i < 6; i++) {
        node.tenant(device, "x".repeat(63), "running");
      }
    }
    for (int i = 0; i < 30; i++) {
      node.fault("31", "app", false);
    }
    open(node);
    assertThat(browser.count("tr.tenant")).isEqualTo(48);
    assertThat(browser.count(".faults > li")).as("the latest").isLessThan(20);
    for (int width : new int[] {Browser.WIDE, 800, Browser.PHONE, 320}) {
      browser.look(width, 900, false);
      browser.assertNoSidewaysScrolling("crowded, " + width);
    }
    browser.assertAccessible("crowded");
  }
}
