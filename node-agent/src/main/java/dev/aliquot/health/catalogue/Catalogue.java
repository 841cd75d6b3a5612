package dev.aliquot.health.catalogue;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A table of XIDs for one platform. Immutable. */
public final class Catalogue {
  private static final int MOST_BYTES = 1 << 20;
  private static final String BUILT_IN = "xids.yaml";
  private static final int MOST_TEXT = 500;

  private final String version;
  private final SortedMap<Integer, XidEntry> entries;

  private Catalogue(String version, SortedMap<Integer, XidEntry> entries) {
    this.version = version;
    this.entries = entries;
  }

  /**
   * Aliquot's own table as a platform sees it.
   *
   * @param profile one of {@link #profiles}
   */
  public static Catalogue builtIn(String profile) {
    try {
      CatalogueFile file = builtInFile();
      return new Catalogue(Objects.requireNonNull(file.version()), new TreeMap<>())
          .with(file, BUILT_IN, chain(file, profile));
    } catch (CatalogueException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }

  /** The platforms that the table knows. */
  public static Set<String> profiles() {
    try {
      return Objects.requireNonNull(builtInFile().profiles()).keySet();
    } catch (CatalogueException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }

  /**
   * This table with the rows of a file; what a row leaves out stays, a code that is new needs a
   * class.
   *
   * @throws CatalogueException when any row is wrong; nothing of the file is used then
   */
  public Catalogue overriddenBy(Path file) throws CatalogueException {
    try {
      if (Files.size(file) > MOST_BYTES) {
        throw new CatalogueException(file + " is larger than 1 MiB; is it the right file?");
      }
      return overriddenBy(Files.readString(file), file.toString());
    } catch (IOException e) {
      throw new CatalogueException(
          "the table of XIDs " + file + " cannot be read: " + e.getMessage());
    }
  }

  Catalogue overriddenBy(String yaml, String name) throws CatalogueException {
    CatalogueFile file = CatalogueFile.parse(yaml, name);
    if (file.profiles() != null
        || file.all().stream().anyMatch(row -> row != null && row.profiles() != null)) {
      throw new CatalogueException(
          name + " has 'profiles:', which only Aliquot's own table has; give the row a 'class:'");
    }
    return with(file, name, List.of());
  }

  /** What is known of a code; an unknown one is watched. */
  public XidEntry entry(int code) {
    return entries.getOrDefault(code, XidEntry.unknown(code));
  }

  /** The codes that the table has. */
  public Set<Integer> codes() {
    return entries.keySet();
  }

  /** Of Aliquot's own table; with a plus where rows are overridden. */
  public String version() {
    return version;
  }

  private Catalogue with(CatalogueFile file, String name, List<String> profiles)
      throws CatalogueException {
    SortedMap<Integer, XidEntry> merged = new TreeMap<>(entries);
    Set<Integer> seen = new HashSet<>();
    for (CatalogueFile.Row row : file.all()) {
      try {
        if (row == null || row.xid() == null) {
          throw new IllegalArgumentException("a row has no 'xid:'");
        }
        for (int code : CodeRanges.of(row.xid()).toArray()) {
          if (!seen.add(code)) {
            throw new IllegalArgumentException("xid " + code + " has two rows");
          }
          merged.merge(code, entry(row, code, profiles), (before, after) -> after);
        }
      } catch (IllegalArgumentException e) {
        throw new CatalogueException(name + ": " + e.getMessage());
      }
    }
    return new Catalogue(entries.isEmpty() ? version : version + "+", merged);
  }

  private XidEntry entry(CatalogueFile.Row row, int code, List<String> profiles) {
    XidEntry before = entries.get(code);
    String label = row.faultClass();
    for (String profile : profiles) {
      label = row.profiles() == null ? label : row.profiles().getOrDefault(profile, label);
    }
    if (before == null && label == null) {
      throw new IllegalArgumentException("xid " + code + " is new, and has no 'class:'");
    }
    XidEntry base = before == null ? XidEntry.unknown(code) : before;
    return new XidEntry(
        code,
        text(row.name(), base.name(), code),
        label == null ? base.faultClass() : classOf(label, code),
        text(row.nvidia(), base.resolution(), code),
        text(row.text(), base.text(), code),
        text(row.action(), base.action(), code));
  }

  private static FaultClass classOf(String label, int code) {
    try {
      return FaultClass.of(label);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("xid " + code + ": " + e.getMessage(), e);
    }
  }

  private static String text(@Nullable String given, String before, int code) {
    if (given != null && given.length() > MOST_TEXT) {
      throw new IllegalArgumentException(
          "xid " + code + " has a text of more than " + MOST_TEXT + " characters");
    }
    return given == null ? before : given.strip();
  }

  /** A profile after those that it is built on. */
  private static List<String> chain(CatalogueFile file, String profile) throws CatalogueException {
    Map<String, List<String>> profiles = Objects.requireNonNull(file.profiles());
    if (!profiles.containsKey(profile)) {
      throw new CatalogueException(
          "there is no profile '"
              + profile
              + "'; there is "
              + String.join(", ", profiles.keySet()));
    }
    List<String> chain = new ArrayList<>(profiles.getOrDefault(profile, List.of()));
    chain.add(profile);
    return chain;
  }

  private static CatalogueFile builtInFile() throws CatalogueException {
    try (InputStream in = Catalogue.class.getResourceAsStream(BUILT_IN)) {
      return CatalogueFile.parse(
          new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8), BUILT_IN);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
