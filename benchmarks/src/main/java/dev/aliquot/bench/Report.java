package dev.aliquot.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The figures as a table for a person or as JSON for a machine. */
final class Report {

  private Report() {}

  static String table(List<Figure> figures) {
    StringBuilder out = new StringBuilder();
    String line = "%-44s %12s %12s %12s  %-5s %s%n";
    out.append(String.format(Locale.ROOT, line, "figure", "with", "bare", "added", "unit", "goal"));
    String suite = "";
    for (Figure figure : figures) {
      if (!figure.suite().equals(suite)) {
        suite = figure.suite();
        out.append(suite).append('\n');
      }
      out.append(
          String.format(
              Locale.ROOT,
              line,
              "  " + figure.name(),
              number(figure.value()),
              figure.bare() == null ? "-" : number(figure.bare()),
              figure.bare() == null ? "-" : number(figure.added()),
              figure.unit(),
              figure.goal()));
    }
    return out.toString();
  }

  static String json(List<Figure> figures, Map<String, String> machine)
      throws JsonProcessingException {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("machine", machine);
    document.put("figures", figures);
    return new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(document);
  }

  private static String number(double value) {
    double magnitude = Math.abs(value);
    String format = magnitude >= 100 ? "%.0f" : magnitude >= 10 ? "%.1f" : "%.2f";
    return String.format(Locale.ROOT, format, value);
  }
}
