package dev.aliquot.agent.kmsg;

import dev.aliquot.linux.EventFd;
import java.io.IOException;
import java.util.Optional;

/**
 * The kernel's own log: one read is one record, and sequence numbers show what was lost. A message
 * that does not end its line is kept back by the kernel until the next one.
 */
final class DeviceSource implements Source {
  /** More than the kernel ever gives at once. */
  static final int MOST_RECORD_BYTES = 16 * 1024;

  private final Device device;
  private final String bootId;
  private final byte[] buffer = new byte[MOST_RECORD_BYTES];

  /** The first sequence number that was not read; 0 if nothing is known of any. */
  private long next;

  /** Before the position where somebody wants to go on. */
  private boolean passing;

  /** The number of the last record that was there. */
  private long newest = KernelRecord.UNKNOWN;

  private boolean isLog;

  DeviceSource(Device device, String bootId, LogPosition from) {
    this.device = device;
    this.bootId = bootId;
    next = from.log().equals(bootId) ? from.next() : 0;
    passing = next > 0;
  }

  @Override
  public boolean step(Sink sink) throws IOException {
    int read = device.read(buffer);
    switch (read) {
      case Device.NOTHING -> {
        return isSetBack();
      }
      case Device.OVERWRITTEN -> {
        // How many they were is seen in the next record.
      }
      case Device.TOO_LONG -> passOver(sink);
      case 0 -> throw new IOException("it is no kernel log: it has an end");
      default -> take(read, sink);
    }
    return true;
  }

  @Override
  public boolean await(EventFd wake) throws IOException {
    device.await(wake);
    return true;
  }

  @Override
  public LogPosition position() {
    return new LogPosition(bootId, next);
  }

  @Override
  public void close() {
    device.close();
  }

  private void take(int length, Sink sink) throws IOException {
    Optional<KernelRecord> record = RecordParser.record(buffer, firstLine(length));
    if (record.isEmpty()) {
      if (!isLog) {
        throw new IOException("it is no kernel log: what it gives is no record");
      }
      passOver(sink);
      return;
    }
    isLog = true;
    newest = record.get().sequence();
    if (passing && newest < next) {
      return;
    }
    passing = false;
    if (next > 0 && newest > next) {
      sink.lost(newest - next);
    }
    next = after(newest);
    sink.record(record.get());
  }

  /** A record that cannot be read had a number, too. */
  private void passOver(Sink sink) {
    newest = newest == KernelRecord.UNKNOWN ? newest : after(newest);
    if (!passing) {
      sink.lost(1);
      next = next == 0 ? 0 : after(next);
    }
  }

  /**
   * Whether this is the end of a log that never came to the position: a machine that was set back
   * to an earlier state keeps its boot id. Then all of it is new, and comes next.
   */
  private boolean isSetBack() throws IOException {
    boolean setBack = passing && newest != KernelRecord.UNKNOWN && after(newest) < next;
    passing = false;
    if (setBack) {
      next = 0;
      device.rewind();
    }
    return setBack;
  }

  private int firstLine(int length) {
    for (int at = 0; at < length; at++) {
      if (buffer[at] == '\n') {
        return at;
      }
    }
    return length;
  }

  private static long after(long sequence) {
    return sequence == Long.MAX_VALUE ? sequence : sequence + 1;
  }
}
