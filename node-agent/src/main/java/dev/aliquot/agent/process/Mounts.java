package dev.aliquot.agent.process;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What is mounted in a process's mount namespace, as proc(5) says of {@code mountinfo}.
 *
 * @param mounts the later ones over the earlier
 */
public record Mounts(List<Mount> mounts) {
  /**
   * A folder or file of a file system, wherever it is mounted. The number is the kernel's, so that
   * nobody can make another file system that has it.
   *
   * @param device number of the file system, major:minor
   * @param path in it
   */
  public record Place(String device, String path) {}

  /**
   * A mount.
   *
   * @param at where it is in the process's tree
   */
  public record Mount(Place place, String at) {}

  /** Reads a {@code mountinfo}; none where it cannot be read. */
  static Mounts read(Path file) {
    List<Mount> mounts = new ArrayList<>();
    try (var lines = Files.newBufferedReader(file, StandardCharsets.ISO_8859_1)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        String[] fields = line.split(" ", 6);
        if (fields.length == 6) {
          mounts.add(new Mount(new Place(fields[2], plain(fields[3])), plain(fields[4])));
        }
      }
    } catch (IOException e) {
      return new Mounts(List.of());
    }
    return new Mounts(List.copyOf(mounts));
  }

  /** Where a path of the process's is in its file system. */
  public Optional<Place> placeOf(Path path) {
    Optional<Mount> over = Optional.empty();
    for (Mount mount : mounts) {
      boolean nearer = over.map(other -> mount.at().length() >= other.at().length()).orElse(true);
      if (nearer && path.startsWith(mount.at())) {
        over = Optional.of(mount);
      }
    }
    return over.map(
        mount -> {
          Path inside = Path.of(mount.at()).relativize(path);
          return new Place(
              mount.place().device(),
              Path.of(mount.place().path()).resolve(inside).normalize().toString());
        });
  }

  /** Whether just this is mounted anywhere; what has been removed since is not. */
  public boolean has(Place place) {
    return mounts.stream().anyMatch(mount -> mount.place().equals(place));
  }

  /** Blanks and the like are octal. */
  private static String plain(String field) {
    return field
        .replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\");
  }
}
