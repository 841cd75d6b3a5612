package dev.aliquot.agent.config;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Whatever a configuration file holds, loading it ends in a configuration or in a {@link
 * ConfigException} with clear lines.
 */
class ConfigFuzzTest {
  private static final ConfigLoader LOADER =
      new ConfigLoader(Map.of(), new MachineDefaults(Path.of("/run/test"), "host-1"));
  private static final List<String> PIECES =
      List.of(
          "http-port",
          "log-level",
          "simulate",
          "headroom-min",
          ": ",
          ":",
          "\n",
          "- ",
          "? ",
          "&a ",
          "*a",
          "!!int ",
          "[",
          "]",
          "{",
          "}",
          "\"",
          "'",
          "|",
          ">",
          "%",
          "#",
          "---\n",
          "...\n",
          "\t",
          "  ",
          "1",
          "1e999",
          "0x7f",
          "~",
          "null",
          "yes",
          "devices=",
          "16GiB",
          ",",
          "\u0000",
          "\u2028",
          "\ufeff",
          "\ud83d\ude00",
          "<<: ",
          "@",
          "`");

  @FuzzTest(maxDuration = "10s")
  void anyFileIsLoadedOrRefused(byte[] content) {
    check(new String(content, StandardCharsets.UTF_8));
  }

  @Test
  void randomPiecesOfYamlAreLoadedOrRefused() {
    Random random = new Random(20260101);
    for (int round = 0; round < 5_000; round++) {
      StringBuilder content = new StringBuilder();
      for (int piece = random.nextInt(12); piece >= 0; piece--) {
        content.append(PIECES.get(random.nextInt(PIECES.size())));
      }
      check(content.toString());
    }
  }

  private static void check(String content) {
    try {
      assertThat(LOADER.loadText(Map.of(), content, "fuzz").httpPort()).isBetween(0, 65535);
    } catch (ConfigException e) {
      assertThat(e.faults()).isNotEmpty().allSatisfy(fault -> assertThat(fault).isNotBlank());
    }
  }
}
