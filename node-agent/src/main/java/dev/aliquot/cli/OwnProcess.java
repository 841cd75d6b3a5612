package dev.aliquot.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * This process's own arguments and environment as the kernel has them, read as UTF-8: under LANG=C
 * the JVM's own view has lost every character that is not ASCII, and a command must get them as
 * they were given.
 */
final class OwnProcess {
  private OwnProcess() {}

  /** The environment, in its order. */
  static Map<String, String> environment() {
    Map<String, String> environment = new LinkedHashMap<>();
    for (String entry : strings("environ")) {
      int equals = entry.indexOf('=');
      if (equals > 0) {
        environment.putIfAbsent(entry.substring(0, equals), entry.substring(equals + 1));
      }
    }
    return environment;
  }

  /** {@code parsed}, the last arguments of this process, as they were given. */
  static List<String> lastArguments(List<String> parsed) {
    List<String> all = strings("cmdline");
    if (all.size() < parsed.size()) {
      return parsed;
    }
    List<String> raw = all.subList(all.size() - parsed.size(), all.size());
    for (int i = 0; i < raw.size(); i++) {
      if (isAscii(parsed.get(i)) && !parsed.get(i).equals(raw.get(i))) {
        return parsed;
      }
    }
    return List.copyOf(raw);
  }

  private static boolean isAscii(String text) {
    return text.chars().allMatch(c -> c < 128);
  }

  private static List<String> strings(String file) {
    List<String> strings = new ArrayList<>();
    try {
      String content = Files.readString(Path.of("/proc/self", file), StandardCharsets.ISO_8859_1);
      int from = 0;
      for (int zero = content.indexOf('\0'); zero >= 0; zero = content.indexOf('\0', from)) {
        byte[] bytes = content.substring(from, zero).getBytes(StandardCharsets.ISO_8859_1);
        strings.add(new String(bytes, StandardCharsets.UTF_8));
        from = zero + 1;
      }
    } catch (IOException e) {
      throw new IllegalStateException("/proc is not mounted; Aliquot needs it", e);
    }
    return strings;
  }
}
