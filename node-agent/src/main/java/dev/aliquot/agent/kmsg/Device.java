package dev.aliquot.agent.kmsg;

import dev.aliquot.linux.EventFd;
import java.io.IOException;

/** The system calls on the kernel's log device. */
interface Device extends AutoCloseable {
  /** There is no record now (EAGAIN). */
  int NOTHING = -1;

  /** What was next has been overwritten; the next is the oldest there is (EPIPE). */
  int OVERWRITTEN = -2;

  /** It is longer than the buffer, and has been passed over (EINVAL). */
  int TOO_LONG = -3;

  /**
   * Reads one record.
   *
   * @return its length, 0 at an end, or one of the above
   */
  int read(byte[] buffer) throws IOException;

  /** The oldest record there is comes next. */
  void rewind() throws IOException;

  /** Waits for a record, or until it is woken. */
  void await(EventFd wake) throws IOException;

  @Override
  void close();
}
