package dev.aliquot.linux;

import dev.aliquot.ffm.NativeException;

/** A Linux call failed. */
public final class LinuxException extends NativeException {
  private static final long serialVersionUID = 1L;

  private final int errno;
  private final String call;

  LinuxException(String call, String onWhat, int errno) {
    super(
        "%s(%s) failed with %s: %s"
            .formatted(
                call,
                onWhat,
                name(errno),
                Errno.of(errno).map(Errno::meaning).orElse("see errno(3)")));
    this.call = call;
    this.errno = errno;
  }

  /** The error number. */
  public int errno() {
    return errno;
  }

  /** Such as {@code EPERM}. */
  public String errnoName() {
    return name(errno);
  }

  public boolean is(Errno candidate) {
    return errno == candidate.code();
  }

  /** The C function that failed. */
  public String call() {
    return call;
  }

  private static String name(int errno) {
    return Errno.of(errno).map(Errno::name).orElse("errno " + errno);
  }
}
