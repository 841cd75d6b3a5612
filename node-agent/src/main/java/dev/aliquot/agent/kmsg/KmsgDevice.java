package dev.aliquot.agent.kmsg;

import dev.aliquot.linux.Descriptors;
import dev.aliquot.linux.DeviceFile;
import dev.aliquot.linux.Errno;
import dev.aliquot.linux.EventFd;
import dev.aliquot.linux.LinuxException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalInt;

/** The real one. */
final class KmsgDevice implements Device {
  private static final Duration FOR_EVER = Duration.ofSeconds(-1);

  private final DeviceFile file;
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment record = arena.allocate(DeviceSource.MOST_RECORD_BYTES);

  KmsgDevice(Path path) {
    file = DeviceFile.open(path);
  }

  @Override
  public int read(byte[] buffer) {
    MemorySegment into = record.asSlice(0, Math.min(buffer.length, record.byteSize()));
    try {
      OptionalInt read = file.read(into);
      if (read.isEmpty()) {
        return NOTHING;
      }
      MemorySegment.copy(into, ValueLayout.JAVA_BYTE, 0, buffer, 0, read.getAsInt());
      return read.getAsInt();
    } catch (LinuxException e) {
      if (e.is(Errno.EPIPE)) {
        return OVERWRITTEN;
      }
      if (e.is(Errno.EINVAL)) {
        return TOO_LONG;
      }
      throw e;
    }
  }

  @Override
  public void rewind() {
    file.rewind();
  }

  @Override
  public void await(EventFd wake) {
    Descriptors.awaitReadable(FOR_EVER, file.descriptor(), wake.descriptor());
  }

  @Override
  public void close() {
    file.close();
    arena.close();
  }
}
