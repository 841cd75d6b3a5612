package dev.aliquot.agent.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.deque.html.axecore.results.Rule;
import com.deque.html.axecore.selenium.AxeBuilder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.linux.Identity;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.logging.Level;
import java.util.stream.Stream;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;

/** A real Chromium without a window, driven by the chromedriver of the same package. */
final class Browser implements AutoCloseable {
  /** Of a desk, and of a phone. */
  static final int WIDE = 1280;

  static final int PHONE = 360;

  private static final ObjectMapper JSON = new ObjectMapper();

  private final ChromeDriver driver;

  private Browser(ChromeDriver driver) {
    this.driver = driver;
  }

  /** Starts one; the test is skipped where there is none. */
  static Browser start() {
    Optional<Path> chromium = program("chromium");
    Optional<Path> chromedriver = program("chromedriver");
    assumeTrue(
        chromium.isPresent() && chromedriver.isPresent(),
        "there is no chromium with its chromedriver here: apt-get install chromium chromium-driver");
    ChromeOptions options = new ChromeOptions();
    options.setBinary(chromium.orElseThrow().toFile());
    options.addArguments(
        "--headless=new",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--hide-scrollbars",
        "--no-first-run");
    if (Identity.effectiveUserId() == 0) {
      options.addArguments("--no-sandbox"); // Chromium has no sandbox for root
    }
    LoggingPreferences logs = new LoggingPreferences();
    logs.enable(LogType.BROWSER, Level.ALL);
    logs.enable(LogType.PERFORMANCE, Level.ALL);
    options.setCapability("goog:loggingPrefs", logs);
    return new Browser(
        new ChromeDriver(
            new ChromeDriverService.Builder()
                .usingDriverExecutable(chromedriver.orElseThrow().toFile())
                .usingAnyFreePort()
                .withSilent(true)
                .build(),
            options));
  }

  private static Optional<Path> program(String name) {
    return Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
        .map(folder -> Path.of(folder, name))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** As a desk or a phone of this width has it, light or dark. */
  void look(int width, int height, boolean dark) {
    driver.executeCdpCommand(
        "Emulation.setEmulatedMedia",
        Map.of(
            "features",
            List.of(Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light"))));
    driver.executeCdpCommand(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", width == PHONE));
  }

  void open(String url) {
    driver.get(url);
  }

  /** The text that is seen. */
  String text(String selector) {
    return element(selector).getText();
  }

  /** The texts of all that there are. */
  List<String> texts(String selector) {
    return driver.findElements(By.cssSelector(selector)).stream().map(WebElement::getText).toList();
  }

  /** An attribute, or empty text. */
  String attribute(String selector, String name) {
    String value = element(selector).getDomAttribute(name);
    return value == null ? "" : value;
  }

  int count(String selector) {
    return driver.findElements(By.cssSelector(selector)).size();
  }

  private WebElement element(String selector) {
    return driver.findElement(By.cssSelector(selector));
  }

  void click(String selector) {
    element(selector).click();
  }

  /** To whatever has the focus. */
  void press(Keys key) {
    driver.switchTo().activeElement().sendKeys(key);
  }

  /** A script's answer. */
  Object run(String script, Object... arguments) {
    return driver.executeScript(script, arguments);
  }

  /** The accessible name and the role of what has the focus. */
  String focused() {
    WebElement element = driver.switchTo().activeElement();
    return element.getAriaRole() + ": " + element.getAccessibleName();
  }

  /** Errors and warnings of the page since the last call. */
  List<String> complaints() {
    return driver.manage().logs().get(LogType.BROWSER).getAll().stream()
        .filter(entry -> entry.getLevel().intValue() >= Level.WARNING.intValue())
        .map(LogEntry::getMessage)
        .toList();
  }

  /** The addresses of everything that the page asked for since the last call. */
  List<String> requests() throws IOException {
    List<String> urls = new ArrayList<>();
    for (LogEntry entry : driver.manage().logs().get(LogType.PERFORMANCE)) {
      JsonNode message = JSON.readTree(entry.getMessage()).path("message");
      if (message.path("method").asText().equals("Network.requestWillBeSent")) {
        urls.add(message.path("params").path("request").path("url").asText());
      }
    }
    return urls;
  }

  /** Nothing reaches beyond the window. */
  void assertNoSidewaysScrolling(String when) {
    assertThat(
            run(
                "const width = document.documentElement.clientWidth;"
                    + "return document.documentElement.scrollWidth <= width ? []"
                    + " : [...document.querySelectorAll('main *')]"
                    + ".filter(each => each.getBoundingClientRect().right > width)"
                    + ".map(each => each.outerHTML.slice(0, 200))"))
        .as("too wide, " + when)
        .isEqualTo(List.of());
    assertThat(run("return document.documentElement.scrollWidth"))
        .as(when)
        .isEqualTo(run("return window.innerWidth"));
  }

  /**
   * By axe-core's rules of WCAG 2.1, A and AA, and its best practices, as soon as the page has come
   * to rest: what is dimmed for a moment, because nothing was heard, is not meant.
   */
  void assertAccessible(String when) {
    Eventually.soon(() -> assertThat(violations()).as(when).isEmpty());
  }

  private List<String> violations() {
    return new AxeBuilder()
            .withTags(List.of("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"))
            .analyze(driver)
            .getViolations()
            .stream()
            .map(Browser::violation)
            .toList();
  }

  private static String violation(Rule rule) {
    return rule.getId()
        + ": "
        + rule.getHelp()
        + " "
        + rule.getNodes().stream().map(node -> node.getHtml()).limit(3).toList();
  }

  /** The whole page as a picture, or so much of it from the top. */
  byte[] picture(int width, boolean dark, int mostHeight) {
    Number height = (Number) run("return document.documentElement.scrollHeight");
    look(width, Math.min(height.intValue(), mostHeight), dark);
    return driver.getScreenshotAs(OutputType.BYTES);
  }

  @Override
  public void close() {
    driver.quit();
  }
}
