package dev.aliquot.cli.screen;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.metrics.SampleNode;
import dev.aliquot.agent.view.MoveView;
import dev.aliquot.agent.view.SwapView;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ScreenTest {
  private static final Ansi PLAIN = new Ansi(false);
  private static final Ansi COLOURS = new Ansi(true);

  @Test
  void columnsAreAlignedWhateverTheirColours() {
    List<String> lines =
        new Table("NAME", ">SIZE", "REST")
            .row("a", 1, "x")
            .row(COLOURS.red("longer"), "1000", "y")
            .lines();
    assertThat(lines.get(0)).isEqualTo("NAME    SIZE  REST");
    assertThat(lines.get(1)).isEqualTo("a          1  x");
    assertThat(lines.get(2).replaceAll("\u001b\\[[0-9]*m", "")).isEqualTo("longer  1000  y");
  }

  @Test
  void whatOthersHaveNamedCannotMoveTheCursor() {
    String hostile = "a\u001b[2Jb\u001b]0;t\u0007c\nd\u009b1m\u202ee";
    assertThat(Ansi.harmless(hostile)).isEqualTo("a?[2Jb?]0;t?c?d?1m?e");
    assertThat(Ansi.harmless(COLOURS.red("\u00e4 \u2588"))).isEqualTo(COLOURS.red("\u00e4 \u2588"));
    assertThat(new Table("NAME").row(hostile).lines().get(1)).isEqualTo("a?[2Jb?]0;t?c?d?1m?e");
  }

  @ParameterizedTest
  @ValueSource(ints = {20, 40, 80, 120, 200})
  void noLineOfThePictureIsWiderThanTheTerminal(int columns) {
    for (Ansi ansi : List.of(PLAIN, COLOURS)) {
      assertThat(new NodePicture(ansi, true).lines(SampleNode.node(), columns, true))
          .allSatisfy(line -> assertThat(Ansi.width(line)).isLessThanOrEqualTo(columns));
    }
  }

  @Test
  void thePictureShowsDevicesTenantsProcessesAndStrangers() {
    List<String> lines = new NodePicture(PLAIN, false).lines(SampleNode.node(), 140, true);
    String all = String.join("\n", lines);
    assertThat(all)
        .contains("GPU 0  NVIDIA H100", "busy 37 %", "5.0 GiB of  15.0 GiB  33%", "allocated 80%")
        .contains("train", "3.0 GiB of   4.0 GiB  75%", "refused 7", "4711", "(no tenant)")
        .contains("refused 7  loan 256 MiB  demoted 128 MiB")
        .contains("allocated 80%  exchanges 2 a minute")
        .contains("unattached  python3 (4713) holds 2.0 GiB", "stranger  python3 (99)")
        .contains("killed", "    process 4712 (miner) was killed")
        .doesNotContain("\u001b")
        .matches(text -> text.chars().allMatch(c -> c < 128 || c == '…'), "plain characters");
  }

  @Test
  void theLastMovesAreShownWithTheirRates() {
    MoveView out = new MoveView(3L << 30, 0.25, 12.5e9);
    MoveView in = new MoveView(1L << 30, 1.25, 0);
    assertThat(MoveText.last(new SwapView("allowed", List.of(), "", 0, 0, null, null)))
        .isEqualTo("-");
    assertThat(MoveText.last(new SwapView("allowed", List.of(), "", 1, 0, out, in)))
        .isEqualTo("out 3.0 GiB in 250ms (12.5GB/s) in 1.0 GiB in 1.3s");
  }

  @Test
  void whatIsNotAccountedForIsListedWithWhatWasDone() {
    List<String> lines = BypassTable.lines(SampleNode.node());
    assertThat(lines.get(1)).matches("FOUND +TENANT .*");
    assertThat(lines.get(2))
        .matches(
            "unattached +train +0 +4713 +python3 +2.0 GiB +2026-01-01T00:00:00Z +/c +reported");
    assertThat(lines.get(3)).startsWith("stranger");
    assertThat(lines.getLast())
        .isEqualTo("2026-01-01T00:00:00Z  killed: process 4712 (miner) was killed");
  }

  @Test
  void aBarIsFilledInProportionAndNeverOverflows() {
    assertThat(Bar.of(0, 100, 10, PLAIN, false)).isEqualTo("..........");
    assertThat(Bar.of(1, 1000, 10, PLAIN, false)).isEqualTo("#.........");
    assertThat(Bar.of(50, 100, 10, PLAIN, false)).isEqualTo("#####.....");
    assertThat(Bar.of(500, 100, 10, PLAIN, false)).isEqualTo("##########");
    assertThat(Bar.of(5, 0, 10, PLAIN, false)).isEqualTo("#.........");
  }

  @Test
  void cuttingKeepsColourCodesWhole() {
    String cut = Ansi.cut(COLOURS.red("abcdef") + "ghi", 3);
    assertThat(cut).isEqualTo("\u001b[31mabc\u001b[0m");
  }
}
