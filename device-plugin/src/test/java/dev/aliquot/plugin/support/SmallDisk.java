package dev.aliquot.plugin.support;

import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A file system of its own that is really full when it is filled; only root can have one. */
public final class SmallDisk implements AutoCloseable {
  private static final int PAGE_BYTES = 4096;
  private static final int PAGES = 16;

  private final Path folder;
  private final Path ballast;

  private SmallDisk(Path folder) {
    this.folder = folder;
    ballast = folder.resolve("ballast");
  }

  /** Mounts one; where that is not allowed, the test is aborted with the reason. */
  public static SmallDisk mount() throws IOException {
    Path folder = Files.createTempDirectory("small-disk");
    String why =
        failureOf("mount", "-t", "tmpfs", "-o", "size=" + PAGES * PAGE_BYTES, "tmpfs", folder);
    if (!why.isEmpty()) {
      Files.delete(folder);
      abort("a small file system can be mounted only by root, in a machine that lets it: " + why);
    }
    return new SmallDisk(folder);
  }

  public Path folder() {
    return folder;
  }

  /** Fills it up, but for so many pages. */
  public void fill(int freePages) throws IOException {
    try (FileChannel channel =
        FileChannel.open(ballast, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      long writtenBytes = 0;
      try {
        while (writtenBytes <= 2L * PAGES * PAGE_BYTES) {
          writtenBytes += channel.write(ByteBuffer.allocate(PAGE_BYTES));
        }
        throw new IllegalStateException("a small disk took more than it has");
      } catch (IOException e) {
        // It is full.
      }
      channel.truncate(writtenBytes - (long) freePages * PAGE_BYTES);
    }
  }

  /** Makes room again. */
  public void makeRoom() throws IOException {
    Files.delete(ballast);
  }

  @Override
  public void close() throws IOException {
    String why = failureOf("umount", folder);
    if (!why.isEmpty()) {
      throw new IOException(folder + " is still mounted: " + why);
    }
    Files.delete(folder);
  }

  /** What a command said that failed; empty where it did not. */
  private static String failureOf(Object... command) throws IOException {
    String[] words = new String[command.length];
    for (int i = 0; i < words.length; i++) {
      words[i] = command[i].toString();
    }
    Process process;
    try {
      process = new ProcessBuilder(words).redirectErrorStream(true).start();
    } catch (IOException e) {
      return String.valueOf(e.getMessage());
    }
    String said =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    return process.onExit().join().exitValue() == 0 ? "" : words[0] + " failed: " + said;
  }
}
