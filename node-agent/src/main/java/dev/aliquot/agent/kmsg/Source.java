package dev.aliquot.agent.kmsg;

import dev.aliquot.linux.EventFd;
import java.io.IOException;

/** A log that is open. For one thread. */
interface Source extends AutoCloseable {
  /** What is found in it. */
  interface Sink {
    void record(KernelRecord record);

    void lost(long records);
  }

  /**
   * Goes one step on, with at most one record.
   *
   * @return false if all there is has been read
   * @throws IOException if it cannot be read any more
   */
  boolean step(Sink sink) throws IOException;

  /**
   * Waits until there may be more, or until it is woken.
   *
   * @return false if this is not the log any more, and has to be opened anew
   */
  boolean await(EventFd wake) throws IOException;

  /** After all that has gone to the sink. */
  LogPosition position();

  @Override
  void close() throws IOException;
}
