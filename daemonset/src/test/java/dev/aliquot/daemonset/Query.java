package dev.aliquot.daemonset;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a PromQL expression asks for. Not a parser: whether it is one is Prometheus' to say; this
 * finds the names in it that Prometheus takes on trust.
 *
 * @param metrics by name
 * @param labels all that are matched, grouped by or joined on
 * @param faults what is asked for and is not there
 */
record Query(Set<String> metrics, Set<String> labels, List<String> faults) {
  private static final Pattern NAME = Pattern.compile("[a-zA-Z_:][a-zA-Z0-9_:]*");
  private static final Pattern SELECTOR =
      Pattern.compile("([a-zA-Z_:][a-zA-Z0-9_:]*)\\s*\\{([^}]*)}");
  private static final Pattern MATCHER = Pattern.compile("([a-zA-Z_]+)\\s*(?:=~|!~|!=|=)\\s*\"");
  private static final Pattern LABELS =
      Pattern.compile("\\b(?:by|without|on|ignoring|group_left|group_right)\\s*\\(([^)]*)\\)");
  private static final Pattern STRING = Pattern.compile("\"[^\"]*\"");

  /** What Grafana puts in. */
  private static final Map<String, String> VARIABLES =
      Map.of("$__rate_interval", "5m", "$node", ".*", "$namespace", ".*", "$pod", ".*");

  /** The expression with every variable of a dashboard filled in. */
  static String filledIn(String expression) {
    String text = expression;
    for (var variable : VARIABLES.entrySet()) {
      text = text.replace(variable.getKey(), variable.getValue());
    }
    return text;
  }

  /**
   * Looks at an expression.
   *
   * @param recorded labels of recording rules' names, which count as metrics
   */
  static Query of(String expression, Map<String, Set<String>> recorded) {
    List<String> faults = new ArrayList<>();
    Set<String> metrics = new TreeSet<>();
    Set<String> labels = new TreeSet<>();
    Set<String> known = new HashSet<>();
    Matcher names = NAME.matcher(STRING.matcher(expression).replaceAll("\"\""));
    while (names.find()) {
      String name = names.group();
      if (name.startsWith("aliquot") || name.startsWith("process_") || recorded.containsKey(name)) {
        metrics.add(name);
        known.addAll(labelsOf(name, recorded, faults));
      }
    }
    Matcher selectors = SELECTOR.matcher(expression);
    while (selectors.find()) {
      Set<String> own = labelsOf(selectors.group(1), recorded, faults);
      Matcher matchers = MATCHER.matcher(selectors.group(2));
      while (matchers.find()) {
        labels.add(matchers.group(1));
        if (!own.contains(matchers.group(1))) {
          faults.add(selectors.group(1) + " has no label " + matchers.group(1));
        }
      }
    }
    Matcher groups = LABELS.matcher(expression);
    while (groups.find()) {
      for (String label : groups.group(1).split(",", -1)) {
        if (!label.isBlank()) {
          labels.add(label.strip());
          if (!known.contains(label.strip())) {
            faults.add("nothing in it has the label " + label.strip());
          }
        }
      }
    }
    return new Query(metrics, labels, faults);
  }

  private static Set<String> labelsOf(
      String name, Map<String, Set<String>> recorded, List<String> faults) {
    Set<String> labels = recorded.get(name);
    if (labels == null) {
      labels = Metrics.labelsOf(name).orElse(null);
    }
    if (labels == null) {
      faults.add("there is no metric " + name);
      return Set.of();
    }
    return labels;
  }
}
