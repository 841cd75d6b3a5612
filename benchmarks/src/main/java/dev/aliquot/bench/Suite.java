package dev.aliquot.bench;

import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;

/** A group of figures measured together. */
public interface Suite {

  /** One word, as given on the command line. */
  String name();

  /** One line for the help text. */
  String summary();

  /**
   * Measures.
   *
   * @param settings where things are and how long to take
   * @param progress told a line before each longer step
   * @throws BenchException when the suite cannot run here, with the reason
   */
  List<Figure> run(Settings settings, Consumer<String> progress)
      throws BenchException, IOException, InterruptedException;
}
