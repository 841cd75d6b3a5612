package dev.aliquot;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What users of other tools suffer from is a numbered list; each row that is this product's so far
 * has a test named after it.
 */
class ComplaintCoverageTest {

  private static final Set<Integer> ROWS =
      Set.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 19, 23, 24, 26);

  /** A function, or the format of a name that a table-driven test gives each of its cases. */
  private static final Pattern TEST_NAME =
      Pattern.compile("complaint_?(\\d{2})_(?:\\w+\\s*\\(|%s)");

  @Test
  void everyComplaintHasATestNamedAfterIt() throws IOException {
    Set<Integer> named = new TreeSet<>();
    for (Path file : testSources()) {
      Matcher matcher = TEST_NAME.matcher(Files.readString(file));
      while (matcher.find()) {
        named.add(Integer.parseInt(matcher.group(1)));
      }
    }
    assertThat(named).containsAll(ROWS);
  }

  private static List<Path> testSources() throws IOException {
    Path root = Path.of("").toAbsolutePath().getParent();
    List<Path> sources = new ArrayList<>();
    for (String module : List.of("interposer", "node-agent", "swap-manager", "native-bindings")) {
      try (Stream<Path> files = Files.walk(root.resolve(module).resolve("src/test"))) {
        files.filter(file -> file.toString().matches(".*\\.(java|c)")).forEach(sources::add);
      }
    }
    return sources;
  }
}
