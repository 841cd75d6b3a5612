package dev.aliquot.agent.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.kmsg.LogPosition;
import dev.aliquot.health.device.Condition;
import dev.aliquot.health.device.Past;
import dev.aliquot.nvml.RecoveryAction;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HealthFileTest extends DeskFixture {
  private static final LogPosition POSITION = new LogPosition("boot-1", 4711);

  @TempDir private Path directory;
  private Path path = Path.of("");
  private HealthFile file = new HealthFile(path, "");

  @BeforeEach
  void aDeviceIsOut() throws Exception {
    path = directory.resolve("health.json");
    file = new HealthFile(path, "boot-1");
    line("31, pid=5, name=\u001b[31m\n\\x22, x");
    later(Duration.ofSeconds(1));
    desk.clear(device);
    line("143, x");
    says(RecoveryAction.BUS_RESET);
    file.save(POSITION, desk.nextFault(), history.all(), desk.kept());
  }

  @Test
  void whatWasSavedIsLoaded() {
    HealthFile.Content content = file.load().orElseThrow();
    assertThat(content.position()).isEqualTo(POSITION);
    assertThat(content.nextFault()).isEqualTo(3);
    assertThat(content.faults()).isEqualTo(history.all());
    assertThat(content.devices()).isEqualTo(desk.kept());
  }

  @Test
  void anOlderAgentHasNotWrittenWhatDevicesSaid() throws Exception {
    assertThat(file.load().orElseThrow().devices().get(UUID).condition())
        .isEqualTo(answers(RecoveryAction.BUS_RESET));
    String text = Files.readString(path);
    String older = text.replaceAll(",\"said\":\\{[^}]*}", "");
    assertThat(older).isNotEqualTo(text);
    Files.writeString(path, older);
    assertThat(file.load().orElseThrow().devices().get(UUID).condition())
        .isEqualTo(Condition.NOTHING_SAID);
  }

  @Test
  void anOlderAgentHasNotWrittenWhoHasAPlaceInTheBreaker() throws Exception {
    String text = Files.readString(path);
    String older = text.replaceAll(",\"placed\":(true|false)", "");
    assertThat(older).isNotEqualTo(text);
    Files.writeString(path, older);
    Past past = file.load().orElseThrow().devices().get(UUID).past();
    assertThat(past.placed()).isFalse();
    assertThat(past.state()).isEqualTo(desk.kept().get(UUID).past().state());
    assertThat(past.claims()).isEqualTo(desk.kept().get(UUID).past().claims()).isNotEmpty();
  }

  @Test
  void afterTheMachineWasStartedAnewNothingIsOutAndFaultsAreKnown() {
    HealthFile.Content content = new HealthFile(path, "boot-2").load().orElseThrow();
    assertThat(content.faults()).isEqualTo(history.all());
    assertThat(content.devices().get(UUID).past()).isEqualTo(Past.NONE);
    assertThat(content.devices().get(UUID).cleared()).isEqualTo(desk.kept().get(UUID).cleared());
  }

  @Test
  void whereThereIsNoneThereIsNone() throws Exception {
    Files.delete(path);
    assertThat(file.load()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "null",
        "[]",
        "{",
        "{}",
        "\u0000\u0001",
        "{\"boot\":\"b\",\"log\":null,\"nextFault\":1,\"faults\":[],\"devices\":{}}",
        "{\"boot\":\"b\",\"log\":\"x\",\"nextFault\":1,\"faults\":[],\"devices\":null}",
        "{\"boot\":\"b\",\"log\":\"x\",\"nextFault\":1,\"faults\":[],\"devices\":{\"G\":null}}",
        "{\"boot\":\"b\",\"log\":\"x\",\"nextFault\":1,\"faults\":[],\"devices\":{\"G\":{}}}",
        "{\"boot\":\"b\",\"log\":\"x\",\"nextFault\":1,\"faults\":[{}],\"devices\":{}}"
      })
  void oneThatCannotBeUsedIsNotUsed(String spoilt) throws Exception {
    Files.writeString(path, spoilt);
    assertThat(file.load()).isEmpty();
  }

  @Test
  void whatANewerAgentHasWrittenBesidesIsLeftAlone() throws Exception {
    String text = Files.readString(path);
    Files.writeString(path, text.replaceAll("\"(boot|id|state|cause|past)\":", "\"new\":{},$0"));
    assertThat(file.load().orElseThrow().devices()).isEqualTo(desk.kept());
    assertThat(file.load().orElseThrow().faults()).isEqualTo(history.all());
  }

  @Test
  void aClaimThatIsNoneIsNotUsed() throws Exception {
    String text = Files.readString(path);
    for (String field : List.of("cause", "faultClass", "text", "state", "cleared", "claims")) {
      Files.writeString(path, text.replaceAll("\"" + field + "\":", "\"boot\":"));
      assertThat(file.load()).as(field).isEmpty();
    }
  }

  @Test
  void aFaultThatIsNotWholeIsLeftOut() throws Exception {
    String text = Files.readString(path);
    Files.writeString(path, text.replace("\"code\":\"31\"", "\"code\":null"));
    assertThat(file.load().orElseThrow().faults()).hasSize(1);
    Files.writeString(path, text.replace("\"faults\":[", "\"faults\":[null,"));
    assertThat(file.load().orElseThrow().faults()).hasSize(2);
  }

  @Test
  void aFaultOfAnotherVersionIsShownAndNotSeenAgain() throws Exception {
    String text = Files.readString(path);
    Files.writeString(path, text.replace("\"code\":\"31\"", "\"code\":\"of-tomorrow\""));
    FaultHistory next = new FaultHistory();
    next.restore(file.load().orElseThrow().faults());
    desk = desk(next, Map.of());
    assertThat(next.all().getFirst().code()).isEqualTo("of-tomorrow");
  }

  @Test
  void oneThatIsFarTooLargeIsNotRead() throws Exception {
    try (RandomAccessFile large = new RandomAccessFile(path.toFile(), "rw")) {
      large.setLength(1L << 40);
    }
    assertThat(file.load()).isEmpty();
  }
}
