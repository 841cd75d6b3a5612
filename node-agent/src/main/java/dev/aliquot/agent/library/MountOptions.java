package dev.aliquot.agent.library;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** Where programs may not be mapped from: {@code /run} is mounted noexec on many machines. */
final class MountOptions {
  private MountOptions() {}

  /**
   * Whether files below the directory, which exists, cannot be mapped executable. Unknown counts as
   * can.
   */
  static boolean isNoexec(Path directory) {
    try {
      return isNoexec(directory.toRealPath(), Files.readAllLines(Path.of("/proc/self/mountinfo")));
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * Lines are as in proc(5): the fifth field is the mount point, the sixth its options; the last
   * one on a point is on top.
   */
  static boolean isNoexec(Path directory, List<String> mountInfo) {
    int longest = -1;
    boolean noexec = false;
    for (String line : mountInfo) {
      String[] fields = line.split(" ", -1);
      if (fields.length < 6) {
        continue;
      }
      Path point =
          Path.of(fields[4].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\"));
      if (directory.startsWith(point) && point.getNameCount() >= longest) {
        longest = point.getNameCount();
        noexec = Arrays.asList(fields[5].split(",", -1)).contains("noexec");
      }
    }
    return noexec;
  }
}
