package dev.aliquot.agent.log;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aliquot.agent.config.LogFormat;
import dev.aliquot.agent.config.LogLevel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.logging.LogManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

class LogSetupTest {
  private static final Logger LOG = LoggerFactory.getLogger("dev.aliquot.agent.test.Thing");
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  @AfterEach
  void restore() throws IOException {
    MDC.clear();
    LogManager.getLogManager().readConfiguration();
  }

  private void configure(LogLevel level, LogFormat format, boolean terminal) {
    LogSetup.configure(
        level, format, terminal, new PrintStream(bytes, true, StandardCharsets.UTF_8));
  }

  private List<String> lines() {
    return bytes.toString(StandardCharsets.UTF_8).lines().toList();
  }

  @Test
  void nothingInALineOfTextCanPassForAnotherOrMoveTheCursor() {
    configure(LogLevel.INFO, LogFormat.TEXT, true);
    LOG.warn("refused {}", "/v1/x\n12:00:00.000 ERROR Agent: forged \u001b[2J\u009bm\u202e");
    assertThat(lines()).hasSize(1);
    assertThat(lines().getFirst())
        .contains("x\\u000a12:00:00.000 ERROR Agent: forged \\u001b[2J\\u009bm\\u202e");
  }

  @Test
  void aJsonLineCarriesEverything() throws IOException {
    configure(LogLevel.INFO, LogFormat.JSON, true);
    MDC.put("tenant", "t1");
    LOG.warn("cannot {} \"it\"\nnow", "do", new IllegalStateException("why"));
    assertThat(lines()).hasSize(1);
    JsonNode line = new ObjectMapper().readTree(lines().getFirst());
    assertThat(Instant.parse(line.get("ts").asText())).isBeforeOrEqualTo(Instant.now());
    assertThat(line.get("level").asText()).isEqualTo("warn");
    assertThat(line.get("logger").asText()).isEqualTo("dev.aliquot.agent.test.Thing");
    assertThat(line.get("message").asText()).isEqualTo("cannot do \"it\"\nnow");
    assertThat(line.get("thread").asText()).isEqualTo(Thread.currentThread().getName());
    assertThat(line.get("fields").get("tenant").asText()).isEqualTo("t1");
    assertThat(line.get("exception").asText())
        .contains("IllegalStateException: why")
        .contains("LogSetupTest");
  }

  @Test
  void theLevelDecidesWhatIsLogged() {
    configure(LogLevel.WARN, LogFormat.JSON, false);
    LOG.info("not this");
    LOG.error("this");
    assertThat(lines()).hasSize(1);
    configure(LogLevel.TRACE, LogFormat.JSON, false);
    LOG.trace("and this");
    assertThat(lines()).hasSize(2);
  }

  @Test
  void autoIsTextOnATerminalAndJsonElsewhere() {
    configure(LogLevel.INFO, LogFormat.AUTO, true);
    LOG.info("hello");
    assertThat(lines().getFirst()).matches("[0-9:.]{12} INFO  Thing: hello");
    configure(LogLevel.INFO, LogFormat.AUTO, false);
    LOG.info("hello");
    assertThat(lines().getLast()).startsWith("{\"ts\":");
  }
}
