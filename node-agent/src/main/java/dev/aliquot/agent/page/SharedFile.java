package dev.aliquot.agent.page;

import dev.aliquot.linux.Futex;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * A page in a file, mapped for as long as this is open. The file is never replaced: processes that
 * have it mapped must keep seeing this one. Only for files that no tenant can write: touching a
 * page of a file that was cut short is a fault.
 */
final class SharedFile implements AutoCloseable {
  private final Arena arena = Arena.ofShared();
  private final MemorySegment segment;

  private SharedFile(FileChannel channel, int bytes) throws IOException {
    segment = channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
  }

  /** Makes the file, zeroed, with the owner's access only. */
  static SharedFile create(Path file, int bytes) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            file,
            Set.of(
                StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
      // Written out, so that a full file system shows here and not as a fault when the page is
      // touched.
      ByteBuffer zeros = ByteBuffer.allocate(bytes);
      while (zeros.hasRemaining()) {
        channel.write(zeros);
      }
      return new SharedFile(channel, bytes);
    }
  }

  /** Maps the file that an earlier agent made. */
  static SharedFile open(Path file, int bytes) throws IOException {
    if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      throw new IOException(file + " is no file");
    }
    if (!Files.isWritable(file)) {
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    }
    try (FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.READ, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
      if (channel.size() != bytes) {
        throw new IOException(file + " has " + channel.size() + " bytes instead of " + bytes);
      }
      return new SharedFile(channel, bytes);
    }
  }

  int u32(long offset) {
    return (int) PageLayout.U32.getVolatile(segment, offset);
  }

  void u32(long offset, int value) {
    PageLayout.U32.setVolatile(segment, offset, value);
  }

  /** Changes a word that others wait on, and wakes them. */
  void wake(long offset) {
    PageLayout.U32.getAndAdd(segment, offset, 1);
    Futex.wakeAll(segment.asSlice(offset, Integer.BYTES));
  }

  long u64(long offset) {
    return (long) PageLayout.U64.getVolatile(segment, offset);
  }

  void u64(long offset, long value) {
    PageLayout.U64.setVolatile(segment, offset, value);
  }

  /** Writes text and zeros up to the field's end; the last byte is always zero. */
  void text(long offset, int fieldBytes, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    if (bytes.length >= fieldBytes) {
      throw new IllegalArgumentException(
          "'" + text + "' has " + bytes.length + " bytes; at most " + (fieldBytes - 1) + " fit");
    }
    segment.asSlice(offset, fieldBytes).fill((byte) 0);
    segment.asSlice(offset, bytes.length).copyFrom(MemorySegment.ofArray(bytes));
  }

  String text(long offset, int fieldBytes) {
    byte[] bytes =
        segment.asSlice(offset, fieldBytes).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    int length = 0;
    while (length < bytes.length && bytes[length] != 0) {
      length++;
    }
    return new String(bytes, 0, length, StandardCharsets.UTF_8);
  }

  void zero(long offset, long bytes) {
    segment.asSlice(offset, bytes).fill((byte) 0);
  }

  @Override
  public void close() {
    arena.close();
  }
}
