package dev.aliquot.agent.config;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A simulated node as asked for: {@code devices=2,memory=16GiB,model=H100}. What is not named is
 * the simulator's default.
 *
 * @param devices 1..16
 * @param memoryBytes of each device; null: the model's
 * @param settings every setting as {@code key=value}, sizes in bytes, in the simulator's own
 *     spelling
 */
public record SimulatedNode(int devices, @Nullable Long memoryBytes, Map<String, String> settings) {
  /** What is accepted, for error messages. */
  public static final String ALLOWED =
      "settings such as devices=2,memory=16GiB,model=H100 (known: context, copyBytesPerSecond, devices,"
          + " driver, memory, model, module, reserved)";

  private static final Set<String> SIZES =
      Set.of("memory", "context", "module", "reserved", "copyBytesPerSecond");
  private static final Set<String> MODELS = Set.of("H100", "H200", "A100", "L4", "RTX4090");
  private static final Set<String> WORDS = Set.of("devices", "driver", "model");
  private static final int MOST_DEVICES = 16;

  /** Copies the settings. */
  public SimulatedNode {
    settings = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(settings));
  }

  /**
   * Reads the settings.
   *
   * @throws IllegalArgumentException with a sentence that names the setting and what is allowed
   */
  public static SimulatedNode parse(String text) {
    Map<String, String> settings = new LinkedHashMap<>();
    int devices = 1;
    Long memoryBytes = null;
    for (String part : text.strip().split(",", -1)) {
      int equals = part.indexOf('=');
      if (equals <= 0) {
        throw new IllegalArgumentException("'" + part + "' is not KEY=VALUE; expected " + ALLOWED);
      }
      String key = part.substring(0, equals).strip();
      String value = part.substring(equals + 1).strip();
      if (SIZES.contains(key)) {
        value = Long.toString(size(key, value));
      } else if (!WORDS.contains(key)) {
        throw new IllegalArgumentException(
            "'" + key + "' is no setting of a simulated node; " + Nearest.hint(key, known()));
      }
      switch (key) {
        case "devices" -> devices = count(value);
        case "memory" -> memoryBytes = Long.valueOf(value);
        case "model" -> checkModel(value);
        case "driver" -> checkDriver(value);
        default -> {}
      }
      if (settings.put(key, value) != null) {
        throw new IllegalArgumentException("'" + key + "' is given twice in '" + text + "'");
      }
    }
    return new SimulatedNode(devices, memoryBytes, settings);
  }

  /** The settings in the simulator's own spelling. */
  public String text() {
    StringBuilder text = new StringBuilder();
    settings.forEach(
        (key, value) ->
            text.append(text.isEmpty() ? "" : ",").append(key).append('=').append(value));
    return text.toString();
  }

  private static Set<String> known() {
    Set<String> known = new TreeSet<>(SIZES);
    known.addAll(WORDS);
    return known;
  }

  private static long size(String key, String value) {
    long bytes;
    try {
      bytes = ByteSize.parse(value);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(key + ": " + e.getMessage(), e);
    }
    if (key.equals("memory") && (bytes < 1L << 26 || bytes > 1L << 40)) {
      throw new IllegalArgumentException(
          "memory: '" + value + "' is not a size from 64MiB to 1TiB");
    }
    if (bytes > 1L << 40) {
      throw new IllegalArgumentException(key + ": '" + value + "' is more than 1TiB");
    }
    return bytes;
  }

  private static int count(String value) {
    if (!value.matches("[0-9]{1,2}")
        || Integer.parseInt(value) < 1
        || Integer.parseInt(value) > MOST_DEVICES) {
      throw new IllegalArgumentException(
          "devices: '" + value + "' is not a number from 1 to " + MOST_DEVICES);
    }
    return Integer.parseInt(value);
  }

  private static void checkModel(String value) {
    if (!MODELS.contains(value)) {
      throw new IllegalArgumentException(
          "model: '" + value + "' is not one of " + String.join(", ", new TreeSet<>(MODELS)));
    }
  }

  private static void checkDriver(String value) {
    if (!value.matches("[0-9]{3}(\\.[0-9]{1,3}){0,2}")) {
      throw new IllegalArgumentException(
          "driver: '" + value + "' is not a driver version such as 580.159.04");
    }
  }
}
