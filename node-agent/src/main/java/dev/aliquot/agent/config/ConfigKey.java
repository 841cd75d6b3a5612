package dev.aliquot.agent.config;

import java.util.Locale;

/**
 * One thing that can be configured. Its name is the same everywhere: {@code http-port} in the file,
 * {@code --http-port} as a flag, {@code ALIQUOT_HTTP_PORT} in the environment.
 *
 * @param name lower case words with hyphens
 * @param type how its text is read
 * @param allowed what is allowed, as a phrase
 * @param defaultText the default as it would be written; for display where {@code derived}
 * @param derived the default is worked out from the machine, so that {@code defaultText} only
 *     describes it
 * @param description one sentence
 */
public record ConfigKey<T>(
    String name,
    ConfigType<T> type,
    String allowed,
    String defaultText,
    boolean derived,
    String description) {

  /** The flag's spelling. */
  public String flag() {
    return "--" + name;
  }

  /** The environment variable's name. */
  public String environmentVariable() {
    return "ALIQUOT_" + name.toUpperCase(Locale.ROOT).replace('-', '_');
  }

  /** The word for the type in the reference page. */
  public String typeName() {
    return type.name();
  }

  T parse(String text) {
    return type.parse().apply(text);
  }

  static <T> ConfigKey<T> fixed(
      String name, ConfigType<T> type, String allowed, String defaultText, String description) {
    return new ConfigKey<>(name, type, allowed, defaultText, false, description);
  }

  static <T> ConfigKey<T> derived(
      String name, ConfigType<T> type, String allowed, String defaultText, String description) {
    return new ConfigKey<>(name, type, allowed, defaultText, true, description);
  }
}
