package dev.aliquot.agent.kmsg;

import dev.aliquot.linux.Descriptors;
import dev.aliquot.linux.EventFd;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Objects;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * A file that grows, one record or line of text a line, looked at ten times a second. A line counts
 * once it is ended. A file that was cut, written anew or replaced is read from its beginning.
 */
final class FileSource implements Source {
  private static final Duration PERIOD = Duration.ofMillis(100);
  private static final int CHUNK_BYTES = 64 * 1024;

  /** A head, and a message of which every byte is escaped. */
  private static final int MOST_LINE_BYTES = 256 + 4 * RecordParser.MOST_TEXT_BYTES;

  /** So many bytes before a position tell whether the file is still the one that it was. */
  private static final int MARK_BYTES = 64;

  private final Path path;
  private final @Nullable Object key;
  private final FileChannel channel;

  /** What was read last, from MARK_BYTES on, and what came before it; zeros before the file. */
  private final byte[] buffer = new byte[MARK_BYTES + CHUNK_BYTES];

  private int at;
  private int end;

  /** Where the file goes on behind the buffer. */
  private long read;

  /** What there is of a line; the rest of a longer one is passed over. */
  private final byte[] line = new byte[MOST_LINE_BYTES];

  private int lineBytes;
  private boolean replaced;
  private LogPosition position = LogPosition.BEGINNING;

  FileSource(Path path, LogPosition from) throws IOException {
    this.path = path;
    key = key(path);
    channel = FileChannel.open(path, StandardOpenOption.READ);
    try {
      byte[] mark = mark(from.next());
      if (mark.length > 0 && name(mark, 0).equals(from.log())) {
        goTo(from.next(), mark);
      } else {
        goTo(0, new byte[MARK_BYTES]);
      }
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  @Override
  public boolean step(Sink sink) throws IOException {
    if (at == end && !fill(sink)) {
      return false;
    }
    int lineEnd = at;
    while (lineEnd < end && buffer[lineEnd] != '\n') {
      lineEnd++;
    }
    int kept = Math.min(lineEnd - at, line.length - lineBytes);
    System.arraycopy(buffer, at, line, lineBytes, kept);
    lineBytes += kept;
    if (lineEnd == end) {
      at = end;
      return true;
    }
    at = lineEnd + 1;
    position = new LogPosition(name(buffer, at - MARK_BYTES), read - (end - at));
    int length = lineBytes;
    lineBytes = 0;
    if (length > 0 && !isProperty(length)) {
      sink.record(
          RecordParser.record(line, length).orElseGet(() -> RecordParser.plain(line, length)));
    }
    return true;
  }

  @Override
  public boolean await(EventFd wake) throws IOException {
    if (replaced) {
      return false;
    }
    Descriptors.awaitReadable(PERIOD, wake.descriptor());
    // What was written to it before comes first.
    replaced = !isAtItsPath();
    return true;
  }

  @Override
  public LogPosition position() {
    return position;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  private boolean fill(Sink sink) throws IOException {
    if (!Arrays.equals(mark(read), Arrays.copyOfRange(buffer, end - MARK_BYTES, end))) {
      loseLine(sink);
      goTo(0, new byte[MARK_BYTES]);
    }
    System.arraycopy(buffer, end - MARK_BYTES, buffer, 0, MARK_BYTES);
    at = MARK_BYTES;
    end = MARK_BYTES;
    int more = channel.read(ByteBuffer.wrap(buffer, MARK_BYTES, CHUNK_BYTES), read);
    if (more <= 0) {
      if (replaced) {
        loseLine(sink);
      }
      return false;
    }
    end += more;
    read += more;
    return true;
  }

  /** A line that will not be ended. */
  private void loseLine(Sink sink) {
    if (lineBytes > 0) {
      lineBytes = 0;
      sink.lost(1);
    }
  }

  private void goTo(long offset, byte[] mark) {
    System.arraycopy(mark, 0, buffer, 0, MARK_BYTES);
    at = MARK_BYTES;
    end = MARK_BYTES;
    read = offset;
    position = new LogPosition(name(mark, 0), offset);
  }

  /** The bytes before an offset, after zeros if they are too few; empty if the file is shorter. */
  private byte[] mark(long offset) throws IOException {
    if (offset > channel.size()) {
      return new byte[0];
    }
    byte[] bytes = new byte[MARK_BYTES];
    int there = (int) Math.min(offset, MARK_BYTES);
    ByteBuffer into = ByteBuffer.wrap(bytes, MARK_BYTES - there, there);
    while (into.hasRemaining()) {
      if (channel.read(into, offset - into.remaining()) <= 0) {
        return new byte[0];
      }
    }
    return bytes;
  }

  private static String name(byte[] bytes, int markStart) {
    CRC32 check = new CRC32();
    check.update(bytes, markStart, MARK_BYTES);
    return "file-" + HexFormat.of().toHexDigits((int) check.getValue());
  }

  /** Whether the line is one of those behind a record, such as {@code SUBSYSTEM=pci}. */
  private boolean isProperty(int length) {
    int letter = 1;
    while (letter < length && (Character.isUpperCase(line[letter]) || line[letter] == '_')) {
      letter++;
    }
    return line[0] == ' ' && letter > 1 && letter < length && line[letter] == '=';
  }

  private boolean isAtItsPath() throws IOException {
    try {
      return Objects.equals(key(path), key);
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  private static @Nullable Object key(Path path) throws IOException {
    return Files.readAttributes(path, BasicFileAttributes.class).fileKey();
  }
}
