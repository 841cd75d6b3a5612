package dev.aliquot.agent.pool;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The machine's memory.
 *
 * @param totalBytes all of it
 * @param availableBytes what programs can still have without swapping, by the kernel's estimate
 */
public record HostMemory(long totalBytes, long availableBytes) {
  private static final Path MEMINFO = Path.of("/proc/meminfo");

  /** Where the figures come from. */
  public interface Reader {
    HostMemory read() throws IOException;
  }

  /** As /proc/meminfo has it now. */
  public static HostMemory system() throws IOException {
    return parse(Files.readAllLines(MEMINFO));
  }

  static HostMemory parse(List<String> lines) throws IOException {
    return new HostMemory(bytes(lines, "MemTotal"), bytes(lines, "MemAvailable"));
  }

  private static long bytes(List<String> lines, String field) throws IOException {
    for (String line : lines) {
      if (line.startsWith(field + ":")) {
        try {
          return Long.parseLong(line.substring(field.length() + 1).replace("kB", "").strip())
              * 1024;
        } catch (NumberFormatException e) {
          throw new IOException(MEMINFO + " says '" + line + "'", e);
        }
      }
    }
    throw new IOException(MEMINFO + " has no " + field);
  }
}
