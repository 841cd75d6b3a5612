package dev.aliquot.plugin.kubelet;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * Which file is at a path now. An inode's number alone is not enough: a file system may use it
 * again at once.
 */
record SocketId(String device, String inode, String changed) {
  /** Empty where there is none. */
  static Optional<SocketId> of(Path path) {
    try {
      Map<String, Object> file =
          Files.readAttributes(path, "unix:dev,ino,ctime", LinkOption.NOFOLLOW_LINKS);
      return Optional.of(
          new SocketId(
              String.valueOf(file.get("dev")),
              String.valueOf(file.get("ino")),
              String.valueOf(file.get("ctime"))));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** The same without the time of its last change, which its owner's own acts move. */
  boolean isSameFile(SocketId other) {
    return device.equals(other.device) && inode.equals(other.inode);
  }
}
