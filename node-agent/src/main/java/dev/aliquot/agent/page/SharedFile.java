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
 *
 * <p>The head and the tail are mapped apart, because the kernel may make a whole mapping resident
 * when one page of it is touched: a tail that is never touched takes no memory.
 */
final class SharedFile implements AutoCloseable {
  private static final int WRITE_BYTES = 16 << 10;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment head;
  private final MemorySegment tail;

  private SharedFile(FileChannel channel, int headBytes, int bytes) throws IOException {
    head = channel.map(FileChannel.MapMode.READ_WRITE, 0, headBytes, arena);
    tail = channel.map(FileChannel.MapMode.READ_WRITE, headBytes, bytes - headBytes, arena);
  }

  /** Makes the file, zeroed, with the owner's access only. */
  static void make(Path file, int bytes) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            file,
            Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
      // Written out, so that a full file system shows here and not as a fault when the page is
      // touched; in small pieces, because the thread keeps a buffer as large as its largest write.
      ByteBuffer zeros = ByteBuffer.allocate(WRITE_BYTES);
      for (int left = bytes; left > 0; ) {
        left -= channel.write(zeros.clear().limit(Math.min(left, WRITE_BYTES)));
      }
    }
  }

  /**
   * Maps a file that was made by this agent or an earlier one.
   *
   * @param headBytes no field lies across this offset
   */
  static SharedFile open(Path file, int headBytes, int bytes) throws IOException {
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
      return new SharedFile(channel, headBytes, bytes);
    }
  }

  int u32(long offset) {
    return (int) PageLayout.U32.getVolatile(part(offset), within(offset));
  }

  void u32(long offset, int value) {
    PageLayout.U32.setVolatile(part(offset), within(offset), value);
  }

  /** Sets or clears bits of a word at once, whatever others do to its other bits. */
  void bits(long offset, int mask, boolean set) {
    if (set) {
      PageLayout.U32.getAndBitwiseOr(part(offset), within(offset), mask);
    } else {
      PageLayout.U32.getAndBitwiseAnd(part(offset), within(offset), ~mask);
    }
  }

  /** Changes a word that others wait on, and wakes them. */
  void wake(long offset) {
    PageLayout.U32.getAndAdd(part(offset), within(offset), 1);
    Futex.wakeAll(slice(offset, Integer.BYTES));
  }

  /** Wakes those who wait on a word, which stays as it is. */
  void nudge(long offset) {
    Futex.wakeAll(slice(offset, Integer.BYTES));
  }

  long u64(long offset) {
    return (long) PageLayout.U64.getVolatile(part(offset), within(offset));
  }

  void u64(long offset, long value) {
    PageLayout.U64.setVolatile(part(offset), within(offset), value);
  }

  /** Writes text and zeros up to the field's end; the last byte is always zero. */
  void text(long offset, int fieldBytes, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    if (bytes.length >= fieldBytes) {
      throw new IllegalArgumentException(
          "'" + text + "' has " + bytes.length + " bytes; at most " + (fieldBytes - 1) + " fit");
    }
    slice(offset, fieldBytes).fill((byte) 0);
    slice(offset, bytes.length).copyFrom(MemorySegment.ofArray(bytes));
  }

  String text(long offset, int fieldBytes) {
    byte[] bytes = slice(offset, fieldBytes).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    int length = 0;
    while (length < bytes.length && bytes[length] != 0) {
      length++;
    }
    return new String(bytes, 0, length, StandardCharsets.UTF_8);
  }

  void zero(long offset, long bytes) {
    slice(offset, bytes).fill((byte) 0);
  }

  private MemorySegment part(long offset) {
    return offset < head.byteSize() ? head : tail;
  }

  private long within(long offset) {
    return offset < head.byteSize() ? offset : offset - head.byteSize();
  }

  private MemorySegment slice(long offset, long bytes) {
    return part(offset).asSlice(within(offset), bytes);
  }

  @Override
  public void close() {
    arena.close();
  }
}
