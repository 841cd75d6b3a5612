package dev.aliquot.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** The JMH benchmarks of this package, each in a JVM of its own with the agent's own flags. */
final class JavaSuite implements Suite {

  @Override
  public String name() {
    return "java";
  }

  @Override
  public String summary() {
    return "the agent's own hot paths (JMH)";
  }

  @Override
  public List<Figure> run(Settings settings, Consumer<String> progress) throws BenchException {
    Options options =
        new OptionsBuilder()
            .include("dev\\.aliquot\\.bench\\..*Benchmark")
            .forks(settings.quick() ? 1 : 3)
            .warmupIterations(settings.quick() ? 2 : 5)
            .warmupTime(TimeValue.milliseconds(300))
            .measurementIterations(settings.quick() ? 3 : 5)
            .measurementTime(TimeValue.milliseconds(500))
            .jvmArgsAppend(
                "-XX:+UseSerialGC",
                "-Xmx64m",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED")
            .verbosity(VerboseMode.SILENT)
            .build();
    progress.accept("JMH");
    List<Figure> figures = new ArrayList<>();
    try {
      for (RunResult result : new Runner(options).run()) {
        String benchmark = result.getParams().getBenchmark();
        StringBuilder label =
            new StringBuilder(
                benchmark.substring(
                    benchmark.lastIndexOf('.', benchmark.lastIndexOf('.') - 1) + 1));
        for (String key : result.getParams().getParamsKeys()) {
          label.append(' ').append(key).append('=').append(result.getParams().getParam(key));
        }
        figures.add(
            new Figure(
                name(), label.toString(), result.getPrimaryResult().getScore(), "ns", null, ""));
      }
    } catch (RunnerException e) {
      throw new BenchException("JMH: " + e.getMessage(), e);
    }
    return figures;
  }
}
