package dev.aliquot.linux;

import java.util.Arrays;
import java.util.Optional;

/** Linux error numbers that the calls of this package can meet; the same on x86-64 and aarch64. */
public enum Errno {
  EPERM(1, "it is not permitted"),
  ENOENT(2, "there is no such file or folder"),
  ESRCH(3, "there is no such process"),
  EINTR(4, "a signal interrupted it"),
  EIO(5, "input or output failed"),
  E2BIG(7, "arguments and environment are too long"),
  ENOEXEC(8, "the file is not a program for this machine"),
  EBADF(9, "the file descriptor is not open"),
  EAGAIN(11, "there is nothing to be had now"),
  ENOMEM(12, "there is not enough memory"),
  EACCES(13, "permission is denied"),
  EFAULT(14, "an address is not valid"),
  EEXIST(17, "it exists already"),
  ENOTDIR(20, "a part of the path is not a folder"),
  EISDIR(21, "it is a folder"),
  EINVAL(22, "an argument is not valid"),
  ENFILE(23, "the machine has too many open files"),
  EMFILE(24, "this process has too many open files; raise its limit (ulimit -n)"),
  ETXTBSY(26, "the file is being written"),
  EROFS(30, "the file system is read-only"),
  EPIPE(32, "the other end is closed, or what was to be read next is gone"),
  ERANGE(34, "the buffer is too small"),
  ENAMETOOLONG(36, "a name is too long"),
  ENOSYS(38, "the kernel is too old for it; Linux 5.3 or newer is needed"),
  ELOOP(40, "there are too many symbolic links");

  private final int code;
  private final String meaning;

  Errno(int code, String meaning) {
    this.code = code;
    this.meaning = meaning;
  }

  public int code() {
    return code;
  }

  public String meaning() {
    return meaning;
  }

  /** Empty for a number that is not listed here. */
  public static Optional<Errno> of(int code) {
    return Arrays.stream(values()).filter(errno -> errno.code == code).findFirst();
  }
}
