package dev.aliquot.health.catalogue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class CatalogueTest {
  private static final Catalogue NVIDIA = Catalogue.builtIn("nvidia");

  static IntStream codes() {
    return NVIDIA.codes().stream().mapToInt(Integer::intValue);
  }

  @Test
  void everyNumberUpToTheLastThatDriversKnowHasARow() {
    assertThat(NVIDIA.codes()).containsAll(IntStream.rangeClosed(1, 176).boxed().toList());
    assertThat(NVIDIA.version()).isEqualTo("2026.11");
  }

  @ParameterizedTest
  @MethodSource("codes")
  void everyRowSaysWhatHappenedAndWhatToDo(int code) {
    XidEntry entry = NVIDIA.entry(code);
    assertThat(entry.code()).isEqualTo(code);
    assertThat(entry.name()).matches("[A-Z][A-Z0-9_ /]+");
    assertThat(entry.text()).endsWith(".").hasSizeBetween(15, 200);
    assertThat(entry.action()).endsWith(".").hasSizeBetween(15, 200);
  }

  @ParameterizedTest
  @CsvSource({
    // NVIDIA's RESTART_APP must not take a device from everybody else.
    "13, app",
    "31, app",
    "32, app",
    "43, app",
    "45, app",
    "68, app",
    "69, app",
    "94, app",
    "137, app",
    "39, app",
    "104, app",
    "129, app",
    "139, app",
    "38, watch",
    "92, watch",
    "109, watch",
    "121, watch",
    "142, watch",
    "14, watch",
    "47, watch",
    "46, reset",
    "48, reset",
    "62, reset",
    "74, reset",
    "95, reset",
    "110, reset",
    "119, reset",
    "120, reset",
    "136, reset",
    "140, reset",
    "155, reset",
    "156, reset",
    "158, reset",
    "61, node",
    "123, node",
    "143, node",
    "151, node",
    "167, node",
    "169, node",
    "173, node",
    "54, replace",
    "79, replace",
    "161, replace",
    "63, state",
    "64, state",
    "154, state",
    "160, state"
  })
  void classesAreThoseOfTheDesign(int code, String label) {
    assertThat(NVIDIA.entry(code).faultClass().label()).isEqualTo(label);
  }

  @Test
  void aCodeThatNobodyKnowsIsWatchedAndNoMore() {
    XidEntry entry = NVIDIA.entry(4711);
    assertThat(entry.faultClass()).isEqualTo(FaultClass.WATCH);
    assertThat(entry.name()).isEqualTo("UNKNOWN");
  }

  @ParameterizedTest
  @CsvSource({
    "109, watch, reset",
    "142, watch, reset",
    "63, state, replace",
    "64, state, replace",
    "79, replace, replace",
    "13, app, app"
  })
  void platformsSeeSomeCodesOtherwise(int code, String nvidia, String eks) {
    assertThat(NVIDIA.entry(code).faultClass().label()).isEqualTo(nvidia);
    assertThat(Catalogue.builtIn("eks").entry(code).faultClass().label()).isEqualTo(eks);
    assertThat(Catalogue.builtIn("hyperpod").entry(code).faultClass().label()).isEqualTo(eks);
    assertThat(Catalogue.profiles()).isEqualTo(Set.of("nvidia", "eks", "hyperpod"));
  }

  @Test
  void aRowIsOverriddenInPart(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("mine.yaml");
    Files.writeString(
        file,
        """
        rows:
        - {xid: "109", class: reset}
        - {xid: 200-201, class: node, text: Ours., action: Call us.}
        """);
    Catalogue mine = NVIDIA.overriddenBy(file);
    assertThat(mine.entry(109).faultClass()).isEqualTo(FaultClass.RESET);
    assertThat(mine.entry(109).text()).isEqualTo(NVIDIA.entry(109).text());
    assertThat(mine.entry(201).faultClass()).isEqualTo(FaultClass.NODE);
    assertThat(mine.entry(201).action()).isEqualTo("Call us.");
    assertThat(mine.entry(13)).isEqualTo(NVIDIA.entry(13));
    assertThat(mine.version()).isEqualTo("2026.11+");
    assertThat(NVIDIA.entry(109).faultClass()).isEqualTo(FaultClass.WATCH);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "rows: [{xid: 13, class: kaboom}] | mine: xid 13: class 'kaboom' is none of watch, app",
        "rows: [{xid: 13}, {xid: 12-14}] | mine: xid 13 has two rows",
        "rows: [{xid: 9-3, class: app}] | range that ends before it begins",
        "rows: [{xid: many, class: app}] | xid 'many' is no number",
        "rows: [{xid: 123456, class: app}] | xid '123456' is no number",
        "rows: [{xid: 4000}] | xid 4000 is new, and has no 'class:'",
        "rows: [{class: app}] | a row has no 'xid:'",
        "rows: [null] | a row has no 'xid:'",
        "rows: [{xid: 13, klass: app}] | klass",
        "rows: [{xid: 13, profiles: {eks: node}}] | has 'profiles:'",
        "lines: [] | lines",
        "'' | has no 'rows:'",
        "rows: {xid: 13} | mine line 1",
        "rows: [{xid: 13 | mine line 1",
        "&a [*a, *a] | mine",
      })
  void aFaultyTableIsRefusedWithItsReason(String yaml, String reason) {
    assertThatThrownBy(() -> NVIDIA.overriddenBy(yaml, "mine"))
        .isInstanceOf(CatalogueException.class)
        .hasMessageStartingWith("mine")
        .hasMessageContaining(reason);
  }

  @Test
  void aTableThatIsNotThereIsNamed(@TempDir Path folder) {
    assertThatThrownBy(() -> NVIDIA.overriddenBy(folder.resolve("none.yaml")))
        .isInstanceOf(CatalogueException.class)
        .hasMessageContaining("none.yaml");
  }
}
