package dev.aliquot.agent.library;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.Map;
import java.util.SortedMap;

/**
 * Folders named after their content. A folder that is there is complete and never changes, so
 * processes that have its files mapped are safe whatever is unpacked later; a new version gets a
 * new folder.
 */
final class LibraryFolder {
  private final Path parent;

  LibraryFolder(Path parent) {
    this.parent = parent;
  }

  /** A file or, where target is not empty, a symbolic link to it. */
  static final class Entry {
    private final byte[] content;
    private final String target;

    private Entry(byte[] content, String target) {
      this.content = content;
      this.target = target;
    }

    static Entry file(byte[] content) {
      return new Entry(content.clone(), "");
    }

    static Entry link(String target) {
      return new Entry(new byte[0], target);
    }
  }

  /**
   * The folder with exactly these entries, made if it is missing. Names may have one directory in
   * them.
   */
  Path unpack(SortedMap<String, Entry> entries) throws IOException {
    Path folder = parent.resolve(hash(entries));
    if (!Files.isDirectory(folder)) {
      try {
        make(folder, entries);
      } catch (IOException e) {
        throw new IOException(
            "libraries cannot be unpacked into "
                + parent
                + " ("
                + e.getClass().getSimpleName()
                + " "
                + e.getMessage()
                + "): make room or name another directory with --library-dir",
            e);
      }
    }
    return folder;
  }

  private void make(Path folder, SortedMap<String, Entry> entries) throws IOException {
    makeDirectories(parent);
    Path temporary =
        Files.createTempDirectory(
            parent,
            ".new-",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    try {
      for (Map.Entry<String, Entry> entry : entries.entrySet()) {
        write(temporary.resolve(entry.getKey()), entry.getValue());
      }
    } catch (IOException e) {
      deleteTree(temporary);
      throw e;
    }
    Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString("rwxr-xr-x"));
    try {
      Files.move(temporary, folder, StandardCopyOption.ATOMIC_MOVE);
    } catch (FileAlreadyExistsException | DirectoryNotEmptyException e) {
      deleteTree(temporary);
    }
  }

  /** Tenants of other users pass through these, whatever the agent's umask. */
  private static void makeDirectories(Path directory) throws IOException {
    if (Files.isDirectory(directory)) {
      return;
    }
    Path above = directory.getParent();
    if (above != null) {
      makeDirectories(above);
    }
    Files.createDirectory(directory);
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private static void write(Path file, Entry entry) throws IOException {
    Path directory = file.getParent();
    if (directory != null && !Files.isDirectory(directory)) {
      Files.createDirectory(directory);
      Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
    if (!entry.target.isEmpty()) {
      Files.createSymbolicLink(file, Path.of(entry.target));
      return;
    }
    Files.write(file, entry.content);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r-xr-xr-x"));
  }

  private static void deleteTree(Path root) throws IOException {
    try (var files = Files.walk(root)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }

  private static String hash(SortedMap<String, Entry> entries) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      entries.forEach(
          (name, entry) -> {
            digest.update(
                (name + "\0" + entry.content.length + "\0" + entry.target + "\0")
                    .getBytes(StandardCharsets.UTF_8));
            digest.update(entry.content);
          });
      return HexFormat.of().formatHex(digest.digest(), 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
