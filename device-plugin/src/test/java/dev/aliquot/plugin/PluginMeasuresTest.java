package dev.aliquot.plugin;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Prints figures beside their bars; how quick a loaded machine is decides no test. */
class PluginMeasuresTest {
  @Test
  void everyFigureIsTaken() throws Exception {
    List<PluginMeasures.Figure> figures = PluginMeasures.measure();

    figures.forEach(System.out::println);
    assertThat(figures)
        .hasSize(4)
        .allSatisfy(
            figure -> {
              assertThat(figure.median()).isPositive().isLessThanOrEqualTo(figure.p99());
              assertThat(figure.p99()).isLessThanOrEqualTo(figure.most());
            });
  }
}
