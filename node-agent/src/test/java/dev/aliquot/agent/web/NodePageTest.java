package dev.aliquot.agent.web;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aliquot.agent.SwapWay;
import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.TenantView;
import dev.aliquot.cli.client.AgentClient;
import dev.aliquot.cli.client.CommandFailure;
import dev.aliquot.cli.program.PackedProgram;
import dev.aliquot.cli.program.SelfCommand;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.openqa.selenium.Keys;

/**
 * The page of a real agent with a simulated node, in a real browser: a tenant that borrows, one
 * that is swapped out, one within its request, and one whose program had a fault.
 *
 * <p>With {@code -Daliquot.page.images=FOLDER} it writes the pictures of docs/images there, after
 * minutes in which there is something to see.
 */
class NodePageTest {
  private static final long MIB = 1L << 20;
  private static final long GIB = 1L << 30;
  private static final Duration BAR = Duration.ofSeconds(1);
  private static final String OK = "0";

  private static final List<Talker> PROGRAMS = new ArrayList<>();
  private static Path folder;
  private static Process agent;
  private static AgentClient client;
  private static String url;
  private static Browser browser;
  private static Talker training;
  private static Talker chat;

  @BeforeAll
  static void startNode() throws Exception {
    browser = Browser.start();
    folder = PackedProgram.temporaryFolder("alq-page-");
    Path state = folder.resolve("s");
    agent =
        new ProcessBuilder(
                SelfCommand.of(
                    List.of(
                        "agent",
                        "--state-dir",
                        state.toString(),
                        "--node-name",
                        "gpu-node-7",
                        "--http-port",
                        "0",
                        "--simulate",
                        "devices=2,memory=4GiB,model=H100,context=128MiB",
                        "--host-pool-size",
                        "4GiB",
                        "--swap-idle-after",
                        "1h")))
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("agent.log").toFile())
            .start();
    client = new AgentClient(state);
    Eventually.soon(() -> assertThat(client.node().ready()).isTrue());
    url =
        "http://"
            + new ObjectMapper()
                .readTree(Files.readString(state.resolve("agent.json")))
                .path("http")
                .asText()
            + "/";
    startTenants();
  }

  private static void startTenants() throws Exception {
    Talker notebook = tenant("notebook", "0", GIB, 3 * GIB, "research/notebook-ada-0/jupyter");
    training = tenant("training", "0", GIB + GIB / 4, 3 * GIB, "vision/train-resnet-7k2xq/trainer");
    chat = tenant("chat", "1", 2 * GIB, 2 * GIB, "serving/chat-6d5f8b7c9-x2lqp/vllm");
    Talker batch = tenant("batch", "1", GIB / 2, GIB / 2, "vision/sweep-19-qm4zt/main");
    grow(notebook, 1536 * MIB);
    client.swap("notebook", SwapWay.OUT);
    Eventually.soon(() -> assertThat(view("notebook").state()).isEqualTo("swapped"));
    grow(training, 2 * GIB);
    grow(chat, 1152 * MIB);
    assertThat(batch.say("trap")).isEqualTo("719");
    Eventually.soon(() -> assertThat(client.node().health().faults()).isNotEmpty());
    batch.close();
    assertThat(training.say("work 20")).isEqualTo(OK);
  }

  private static Talker tenant(
      String name, String device, long requestBytes, long limitBytes, String container)
      throws CommandFailure {
    String[] names = container.split("/", -1);
    Map<String, String> environment =
        client
            .create(
                Map.of(
                    "name",
                    name,
                    "namespace",
                    names[0],
                    "pod",
                    names[1],
                    "container",
                    names[2],
                    "devices",
                    List.of(device),
                    "memoryBytes",
                    requestBytes,
                    "memoryLimitBytes",
                    limitBytes,
                    "priority",
                    name.equals("chat") ? "high" : "normal"))
            .environment();
    Talker program = Talker.start(environment, CProgram.of("working_tenant"));
    PROGRAMS.add(program);
    assertThat(program.say("init")).isEqualTo(OK);
    return program;
  }

  private static void grow(Talker program, long bytes) {
    for (long grown = 0; grown < bytes; grown += 128 * MIB) {
      assertThat(program.say("grow " + 128 * MIB)).startsWith("0 ");
    }
  }

  private static TenantView view(String name) throws CommandFailure {
    return client.node().tenants().stream()
        .filter(tenant -> tenant.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  @AfterAll
  static void stopNode() throws Exception {
    PROGRAMS.forEach(Talker::close);
    if (browser != null) {
      browser.close();
    }
    if (agent != null) {
      agent.destroy();
      try {
        assertThat(agent.waitFor(Eventually.PATIENCE)).as("the agent ends when asked").isTrue();
      } finally {
        agent.destroyForcibly().waitFor();
        PackedProgram.delete(folder);
      }
    }
  }

  @BeforeEach
  void openPage() {
    browser.look(Browser.WIDE, 900, false);
    browser.open(url);
    Eventually.soon(() -> assertThat(browser.text("#status")).isEqualTo("live"));
    Eventually.soon(() -> assertThat(browser.count(".plot")).isEqualTo(4));
  }

  /** The figure under a heading of a tenant's row. */
  private static String figure(String tenant, String heading) {
    return String.valueOf(
        browser.run(
            "const row = [...document.querySelectorAll('tr.tenant')]"
                + ".find(row => row.querySelector('.tenant-name').textContent === arguments[0]);"
                + "return row.querySelector(`[data-label='${arguments[1]}']`).textContent",
            tenant,
            heading));
  }

  private static String bar(String tenant) {
    return browser.attribute(".tenants [aria-label^='" + tenant + " holds']", "aria-label");
  }

  private static String state(String tenant) {
    return String.valueOf(
        browser.run(
            "return [...document.querySelectorAll('tr.tenant')]"
                + ".find(row => row.querySelector('.tenant-name').textContent === arguments[0])"
                + ".querySelector('.state .badge').textContent",
            tenant));
  }

  @Test
  void itShowsTheNodeWithItsBorrowerAndWhoIsSwappedOut() throws Exception {
    assertThat(browser.text("h1")).isEqualTo("gpu-node-7");
    assertThat(browser.texts(".chip"))
        .contains("simulated", "driver " + client.node().driverVersion(), "CUDA 13.0");
    assertThat(browser.texts("h3")).allMatch(text -> text.matches("GPU [01] +NVIDIA H100.*"));
    assertThat(browser.texts(".pod"))
        .contains("research / notebook-ada-0 / jupyter", "vision / train-resnet-7k2xq / trainer");
    assertThat(state("notebook")).isEqualTo("swapped");
    assertThat(figure("notebook", "In host")).isEqualTo("1.5 GiB");
    assertThat(bar("notebook"))
        .contains("within its request of 1.0 GiB", "1.5 GiB in host memory", "limit is 3.0 GiB");
    assertThat(state("training")).isEqualTo("running");
    assertThat(figure("training", "Request")).isEqualTo("1.3 GiB");
    assertThat(figure("training", "Loan")).matches("\\d+ MiB");
    assertThat(bar("training")).matches(".*; \\d+ MiB on loan; its limit is 3.0 GiB");
    assertThat(browser.count(".tenants .loan")).as("one borrows").isEqualTo(1);
    assertThat(browser.count(".tenants .host")).as("one has data in host memory").isEqualTo(1);
    assertThat(browser.attribute(".device-bars", "aria-label"))
        .startsWith("Memory of GPU 0: ")
        .contains("training holds 2.1 GiB", "1.5 GiB in host memory", "held back");
    assertThat(browser.text(".faults"))
        .contains("XID 43", "GPU 1", "Blamed: batch, vision / sweep-19-qm4zt / main");
    assertThat(browser.text(".totals")).contains("to 1 tenant", "1 tenant swapped out");
    assertThat(browser.text(".side")).contains("Host pool", "in tenants’ hands");
  }

  @Test
  void aChangeIsSeenWithinASecondWithoutAReload() throws Exception {
    browser.run("window.sameDocument = true");
    List<Long> took = new ArrayList<>();
    long request = view("chat").requestBytes();
    for (int i = 1; i <= 5; i++) {
      long bytes = request + i * 104L * MIB;
      browser.run(
          "const wanted = arguments[0]; window.seenAt = 0;"
              + "const look = () => { if (!window.seenAt && [...document.querySelectorAll("
              + "\"tr.tenant [data-label='Limit']\")].some(c => c.textContent === wanted))"
              + " window.seenAt = Date.now(); };"
              + "window.watching?.disconnect();"
              + "window.watching = new MutationObserver(look);"
              + "window.watching.observe(document.body,"
              + "{subtree: true, childList: true, characterData: true});",
          gibibytes(bytes));
      long began = System.currentTimeMillis();
      client.resize("chat", Map.of("memoryBytes", bytes, "memoryLimitBytes", bytes));
      Eventually.soon(
          () ->
              assertThat(((Number) browser.run("return window.seenAt")).longValue())
                  .as(gibibytes(bytes))
                  .isPositive());
      took.add(((Number) browser.run("return window.seenAt")).longValue() - began);
    }
    client.resize("chat", Map.of("memoryBytes", request, "memoryLimitBytes", request));
    System.out.printf(
        "the page shows a change after: %s ms (the bar: %d ms)%n", took, BAR.toMillis());
    assertThat(browser.run("return window.sameDocument")).isEqualTo(true);
  }

  /** As the page writes it, to a tenth. */
  private static String gibibytes(long bytes) {
    return String.format(java.util.Locale.ROOT, "%.1f GiB", (double) bytes / GIB);
  }

  @Test
  void aTenantThatComesBackIsSeenToComeBack() throws Exception {
    Talker guest = tenant("guest", "1", GIB / 4, GIB, "vision/guest-0/main");
    try {
      grow(guest, 256 * MIB);
      Eventually.soon(() -> assertThat(state("guest")).isEqualTo("running"));
      client.swap("guest", SwapWay.OUT);
      Eventually.soon(() -> assertThat(state("guest")).isEqualTo("swapped"));
      Eventually.soon(() -> assertThat(figure("guest", "In host")).isEqualTo("256 MiB"));
      client.swap("guest", SwapWay.IN);
      Eventually.soon(() -> assertThat(state("guest")).isEqualTo("running"));
      Eventually.soon(() -> assertThat(figure("guest", "In host")).isEqualTo("–"));
    } finally {
      guest.close();
      client.end("guest");
    }
    Eventually.soon(() -> assertThat(browser.texts(".tenant-name")).doesNotContain("guest"));
  }

  @Test
  void everythingCanBeReachedByKeyboard() {
    List<String> path = new ArrayList<>();
    browser.press(Keys.TAB);
    path.add(browser.focused());
    browser.press(Keys.ENTER);
    for (int i = 0; i < 12; i++) {
      browser.press(Keys.TAB);
      path.add(browser.focused());
      assertThat(
              browser.run(
                  "return getComputedStyle(document.activeElement).outlineStyle"
                      + " + getComputedStyle(document.activeElement).outlineWidth"))
          .as("the focus of %s is seen", path.getLast())
          .isEqualTo("solid2px");
    }
    assertThat(path).first().isEqualTo("link: To the devices");
    assertThat(path)
        .containsSubsequence("button: notebook", "button: training", "button: chat", "link: node");
    assertThat(path)
        .filteredOn(each -> each.startsWith("slider: "))
        .extracting(each -> each.replaceFirst(" in the last.*", ""))
        .containsExactly(
            "slider: Busy of GPU 0",
            "slider: Memory of GPU 0",
            "slider: Busy of GPU 1",
            "slider: Memory of GPU 1");
  }

  @Test
  void moreOfATenantIsOpenedByKeyboardAndStaysOpenWhileThePageChanges() {
    browser.run("document.querySelectorAll('.opener')[1].focus()");
    browser.press(Keys.ENTER);
    Eventually.soon(
        () -> assertThat(browser.text(".more")).contains("working_tenant", "contexts and modules"));
    assertThat(browser.focused()).isEqualTo("button: training");
    assertThat(browser.run("return document.activeElement.ariaExpanded")).isEqualTo("true");
    String before = browser.text(".totals"); // it says how long the agent has been up
    Eventually.soon(() -> assertThat(browser.text(".totals")).isNotEqualTo(before));
    assertThat(browser.focused()).isEqualTo("button: training");
    browser.press(Keys.ENTER);
    Eventually.soon(() -> assertThat(browser.count(".more")).isZero());
  }

  @Test
  void theLastHourIsReadByKeyboard() {
    Eventually.soon(
        () -> assertThat(browser.attribute(".plot", "aria-valuetext")).matches("now: \\d+ %"));
    browser.run("document.querySelector('.plot').focus()");
    browser.press(Keys.HOME);
    Eventually.soon(
        () ->
            assertThat(browser.attribute(".plot", "aria-valuetext"))
                .as("before the agent began: a gap")
                .matches("\\d\\d:\\d\\d: nothing known"));
    browser.press(Keys.END);
    Eventually.soon(
        () ->
            assertThat(browser.attribute(".plot", "aria-valuetext"))
                .matches("\\d\\d:\\d\\d: \\d+ %"));
  }

  @Test
  void itAsksNobodyElseAndComplainsOfNothing() throws Exception {
    browser.complaints();
    browser.requests();
    openPage();
    Eventually.soon(() -> assertThat(browser.text("h1")).isEqualTo("gpu-node-7"));
    assertThat(browser.requests())
        .contains(url, url + "page.js", url + "api/v1/live", url + "api/v1/history")
        .allMatch(address -> address.startsWith(url));
    assertThat(browser.complaints()).isEmpty();
  }

  @Test
  void itIsAccessibleAndFitsInLightAndDarkAndOnAPhone() {
    browser.click(".opener");
    for (boolean dark : new boolean[] {false, true}) {
      for (int width : new int[] {Browser.WIDE, 900, 640, Browser.PHONE, 320}) {
        browser.look(width, 800, dark);
        String when = width + (dark ? " dark" : " light");
        browser.assertNoSidewaysScrolling(when);
        browser.assertAccessible(when);
      }
    }
  }

  @Test
  void picturesForTheDocumentation() throws Exception {
    String images = System.getProperty("aliquot.page.images", "");
    boolean wanted = !images.isEmpty();
    Path to = wanted ? Path.of(images) : folder;
    // something to see of the last minutes: both work and rest in turns
    for (int i : IntStream.range(0, wanted ? 22 : 0).toArray()) {
      assertThat(training.say(i % 5 == 3 ? "rest" : "work " + 4 * (1 + i * 3 % 7))).isEqualTo(OK);
      assertThat(chat.say(i % 3 == 0 ? "rest" : "work " + (1 + i % 4))).isEqualTo(OK);
      Thread.sleep(Duration.ofSeconds(11));
    }
    for (Picture picture :
        List.of(
            new Picture("page-light.png", Browser.WIDE, false, 2000),
            new Picture("page-dark.png", Browser.WIDE, true, 2000),
            new Picture("page-phone.png", Browser.PHONE, false, 1500))) {
      browser.look(picture.width(), 900, picture.dark());
      Path file = to.resolve(picture.name());
      SmallPicture.write(
          browser.picture(picture.width(), picture.dark(), picture.mostHeight()), file);
      assertThat(file).isNotEmptyFile();
      assertThat(Files.size(file)).as(picture.name()).isLessThan(150_000);
    }
  }

  private record Picture(String name, int width, boolean dark, int mostHeight) {}
}
