package dev.aliquot.agent.state;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;

/** Files that are there whole or not at all, whenever the machine stops. */
public final class DurableFile {
  private DurableFile() {}

  /**
   * Replaces the file: written beside it, flushed, renamed. Readable by everybody if so wished,
   * writable by the owner.
   */
  public static void write(Path file, byte[] content, boolean readableByAll) throws IOException {
    Path beside = file.resolveSibling("." + file.getFileName() + ".new");
    Files.deleteIfExists(beside);
    try {
      writeBeside(beside, content, readableByAll);
      Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      // A full file system is no fuller for what could not be written.
      Files.deleteIfExists(beside);
      throw e;
    }
    Path directory = file.getParent();
    if (directory != null) {
      try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
        channel.force(true);
      }
    }
  }

  private static void writeBeside(Path beside, byte[] content, boolean readableByAll)
      throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            beside,
            java.util.Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
      ByteBuffer buffer = ByteBuffer.wrap(content);
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
      if (readableByAll) {
        Files.setPosixFilePermissions(beside, PosixFilePermissions.fromString("rw-r--r--"));
      }
      channel.force(true);
    }
  }
}
