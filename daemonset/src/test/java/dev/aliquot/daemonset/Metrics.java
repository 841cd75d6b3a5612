package dev.aliquot.daemonset;

import dev.aliquot.agent.metrics.MetricsReference;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The metrics that the agent has, by its own reference, and those of its process. */
final class Metrics {
  private static final Pattern ROW =
      Pattern.compile("\\| `([a-z_]+)` \\| ([a-z]+) \\| ([^|]+) \\|.*");

  /** What Prometheus adds to every sample. */
  private static final Set<String> TARGET = Set.of("job", "instance");

  /** Of the Java client's standard collectors; a scrape shows that they are there. */
  private static final Set<String> OF_THE_PROCESS =
      Set.of("process_resident_memory_bytes", "process_cpu_seconds_total");

  private static final Map<String, Set<String>> LABELS = labels();

  private Metrics() {}

  private static Map<String, Set<String>> labels() {
    Map<String, Set<String>> all = new HashMap<>();
    MetricsReference.markdown()
        .lines()
        .map(ROW::matcher)
        .filter(Matcher::matches)
        .forEach(
            row -> {
              Set<String> labels =
                  Arrays.stream(row.group(3).split(", ", -1))
                      .map(label -> label.replace("`", "").strip())
                      .collect(Collectors.toCollection(HashSet::new));
              labels.addAll(TARGET);
              String name = row.group(1);
              switch (row.group(2)) {
                case "histogram", "summary" -> {
                  all.put(name + "_count", labels);
                  all.put(name + "_sum", labels);
                  if (row.group(2).equals("histogram")) {
                    all.put(
                        name + "_bucket",
                        Stream.concat(labels.stream(), Stream.of("le"))
                            .collect(Collectors.toSet()));
                  }
                }
                default -> all.put(name, labels);
              }
            });
    OF_THE_PROCESS.forEach(name -> all.put(name, TARGET));
    return Map.copyOf(all);
  }

  static int count() {
    return LABELS.size();
  }

  /** The labels of its samples, as Prometheus has them; empty where there is no such metric. */
  static Optional<Set<String>> labelsOf(String name) {
    return Optional.ofNullable(LABELS.get(name));
  }
}
