package dev.aliquot.cli.demo;

import java.util.HashMap;
import java.util.Map;

/**
 * A line of the demo's tenant program: {@code name key=value ...}.
 *
 * @param nanoTime when it was read
 */
record Event(long nanoTime, String name, Map<String, String> values) {

  static Event parse(long nanoTime, String line) {
    String[] words = line.strip().split(" ", -1);
    Map<String, String> values = new HashMap<>();
    for (int i = 1; i < words.length; i++) {
      int equals = words[i].indexOf('=');
      if (equals > 0) {
        values.put(words[i].substring(0, equals), words[i].substring(equals + 1));
      }
    }
    return new Event(nanoTime, words[0], values);
  }

  /** A number the line carries; -1 where it does not. */
  long number(String key) {
    try {
      return Long.parseLong(values.getOrDefault(key, "-1"));
    } catch (NumberFormatException e) {
      return -1;
    }
  }
}
