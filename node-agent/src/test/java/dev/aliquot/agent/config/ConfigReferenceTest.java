package dev.aliquot.agent.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ConfigReferenceTest {

  @Test
  void theReferencePageIsFresh() throws IOException {
    assertThat(Files.readString(Path.of("../docs/configuration.md")))
        .as("write it anew with: aliquot reference configuration > docs/configuration.md")
        .isEqualTo(ConfigReference.markdown());
  }

  @Test
  void everyDefaultIsAllowed() {
    for (ConfigKey<?> key : ConfigKeys.all()) {
      if (!key.derived()) {
        assertThat(key.parse(key.defaultText())).as(key.name()).isNotNull();
      }
    }
  }

  @Test
  void theExampleOnThePageIsValid() throws ConfigException {
    String page = ConfigReference.markdown();
    String example = page.substring(page.indexOf("```yaml") + 7, page.lastIndexOf("```"));
    assertThat(ConfigFile.parse(example, "example")).isNotEmpty();
    assertThat(
            new ConfigLoader(java.util.Map.of(), new MachineDefaults(Path.of("/x"), "n"))
                .loadText(java.util.Map.of(), example, "example")
                .nodeName())
        .isEqualTo("worker-7");
  }
}
