package dev.aliquot.cli.program;

import dev.aliquot.cli.client.CommandFailure;
import dev.aliquot.cli.client.ExitCode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Native programs that are packed into the artefacts, unpacked for as long as they are needed. */
public final class PackedProgram {
  private PackedProgram() {}

  /**
   * Where the build packs a native file of this machine's kind, such as {@code
   * simulator/aliquot-sim}.
   */
  public static String resource(String name) {
    return "/native/linux-" + System.getProperty("os.arch") + "/" + name;
  }

  /**
   * Unpacks a native file.
   *
   * @throws CommandFailure when it is not in the artefacts
   */
  public static Path unpack(String name, Path folder) throws CommandFailure {
    Path target = folder.resolve(name.substring(name.lastIndexOf('/') + 1));
    try (InputStream in = PackedProgram.class.getResourceAsStream(resource(name))) {
      if (in == null) {
        throw new CommandFailure(
            ExitCode.FAILED,
            name
                + " is not in this build ("
                + resource(name)
                + "); build again with ./aliquot build");
      }
      Files.copy(in, target, StandardCopyOption.REPLACE_EXISTING);
      Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rwxr-xr-x"));
      return target;
    } catch (IOException e) {
      throw new CommandFailure(
          ExitCode.FAILED, "cannot unpack " + name + " into " + folder + ": " + e.getMessage());
    }
  }

  /**
   * A new folder of this user's own in which programs can be executed.
   *
   * @throws CommandFailure when there is no place for one
   */
  public static Path temporaryFolder(String prefix) throws CommandFailure {
    List<String> places = new ArrayList<>(List.of(System.getProperty("java.io.tmpdir", "/tmp")));
    for (String variable : List.of("XDG_RUNTIME_DIR", "HOME")) {
      String place = System.getenv(variable);
      if (place != null && place.startsWith("/")) {
        places.add(place);
      }
    }
    for (String place : places) {
      Path folder = executableFolder(Path.of(place), prefix);
      if (folder != null) {
        return folder;
      }
    }
    throw new CommandFailure(
        ExitCode.FAILED,
        "no folder allows programs to be executed (tried "
            + String.join(", ", places)
            + "); set TMPDIR");
  }

  private static @Nullable Path executableFolder(Path place, String prefix) {
    try {
      Path folder = Files.createTempDirectory(place, prefix);
      Path probe =
          Files.createFile(
              folder.resolve("probe"),
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      boolean executable = Files.isExecutable(probe);
      Files.delete(probe);
      if (executable) {
        return folder;
      }
      Files.delete(folder);
    } catch (IOException notHere) {
      return null;
    }
    return null;
  }

  /** Removes a folder and all in it; what cannot be removed stays. */
  public static void delete(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException | java.io.UncheckedIOException somethingStays) {
      return;
    }
  }
}
