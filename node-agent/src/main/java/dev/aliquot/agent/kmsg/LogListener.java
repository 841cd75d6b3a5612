package dev.aliquot.agent.kmsg;

import java.time.Instant;

/**
 * Who a {@link KernelLog} tells, on its own thread, one call at a time. Nothing is read meanwhile:
 * a call that takes long lets the kernel overwrite what was not read.
 */
public interface LogListener {
  /**
   * @param time when it was written, by the wall clock as it is now; for a record that does not
   *     say, now
   */
  void record(KernelRecord record, Instant time);

  /** So many records were overwritten before they were read, or could not be read. */
  void lost(long records);

  /** The log cannot be read; it is tried again. Not repeated while the reason stays the same. */
  void degraded(String reason);

  /** It can be read again. */
  void restored();
}
