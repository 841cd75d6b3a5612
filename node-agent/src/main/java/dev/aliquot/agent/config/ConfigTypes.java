package dev.aliquot.agent.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;

/** How values are read. What is not allowed is refused with a sentence that says what is. */
final class ConfigTypes {
  private ConfigTypes() {}

  static <T extends Comparable<T>> ConfigType<T> bounded(
      String name, Function<String, T> parse, T least, T most, String allowed) {
    return new ConfigType<>(
        name,
        text -> {
          T value;
          try {
            value = parse.apply(text);
          } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("'" + text + "' is not " + allowed, e);
          }
          if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
            throw new IllegalArgumentException("'" + text + "' is not " + allowed);
          }
          return value;
        });
  }

  static <T> ConfigType<Optional<T>> orNever(ConfigType<T> type) {
    return new ConfigType<>(
        type.name(),
        text ->
            text.strip().equalsIgnoreCase("never")
                ? Optional.empty()
                : Optional.of(type.parse().apply(text)));
  }

  static ConfigType<String> text(String name, String pattern, String allowed) {
    return new ConfigType<>(
        name,
        text -> {
          if (!text.matches(pattern)) {
            throw new IllegalArgumentException("'" + text + "' is not " + allowed);
          }
          return text;
        });
  }

  static ConfigType<Boolean> onOff() {
    return new ConfigType<>(
        "word",
        text ->
            switch (text.strip().toLowerCase(Locale.ROOT)) {
              case "on" -> true;
              case "off" -> false;
              default -> throw new IllegalArgumentException("'" + text + "' is not one of on, off");
            });
  }

  static ConfigType<Path> path() {
    return new ConfigType<>("path", ConfigTypes::absolute);
  }

  private static Path absolute(String text) {
    if (!text.startsWith("/") || text.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("'" + text + "' is not an absolute path");
    }
    return Path.of(text).normalize();
  }

  static <E extends Enum<E>> ConfigType<E> choice(Class<E> values) {
    return new ConfigType<>(
        "word",
        text -> {
          for (E value : values.getEnumConstants()) {
            if (word(value).equals(text.toLowerCase(Locale.ROOT))) {
              return value;
            }
          }
          throw new IllegalArgumentException(
              "'" + text + "' is not one of " + String.join(", ", names(values)));
        });
  }

  private static <E extends Enum<E>> List<String> names(Class<E> values) {
    return List.of(values.getEnumConstants()).stream().map(ConfigTypes::word).toList();
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  static int integer(String text) {
    return Integer.parseInt(text.strip());
  }
}
