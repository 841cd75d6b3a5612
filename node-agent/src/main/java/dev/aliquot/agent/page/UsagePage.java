package dev.aliquot.agent.page;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * What a tenant's processes claim. Every value may be anything at any time; callers bound what they
 * use.
 *
 * <p>Read by system calls and not mapped: the tenant may cut the file short, which would make
 * touching a mapping a fault; here it reads as zeros. A value is read until two readings agree,
 * because a system call does not promise to copy a word at once. Thread-safe.
 */
public final class UsagePage implements AutoCloseable {
  private static final int MOST_READINGS = 8;

  private final FileChannel channel;

  private UsagePage(FileChannel channel) throws IOException {
    this.channel = channel;
    ByteBuffer header = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    header.putInt(PageLayout.USAGE_MAGIC).putInt(PageLayout.PROTOCOL_VERSION).flip();
    write(header, 0);
    boolean _ = restoreSize();
  }

  /** Makes the page with every slot free. */
  public static UsagePage create(Path path) throws IOException {
    SharedFile.make(path, PageLayout.USAGE_PAGE_BYTES);
    return open(path);
  }

  /**
   * Opens a page that an earlier agent made; header and size are the tenant's to spoil and are put
   * right.
   */
  public static UsagePage open(Path path) throws IOException {
    if (!Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) {
      throw new IOException(path + " is no file");
    }
    return new UsagePage(
        FileChannel.open(
            path, StandardOpenOption.READ, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS));
  }

  /**
   * Everything that one slot reports. Whatever this thread read or wrote before, it has read or
   * written by then.
   */
  public UsageReport report(int slot) {
    VarHandle.fullFence();
    return new UsageReport(stable(PageLayout.slot(slot), (int) PageLayout.SLOT_BYTES));
  }

  /**
   * One device's used. Whatever this thread wrote before, such as a credit, is visible to the
   * process first.
   */
  public long usedBytes(int slot, int device) {
    VarHandle.fullFence();
    return stable(PageLayout.used(slot, device), Long.BYTES).getLong(0);
  }

  /** Zeroes a slot that nobody has. */
  public void clear(int slot) {
    try {
      write(ByteBuffer.allocate((int) PageLayout.SLOT_BYTES), PageLayout.slot(slot));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /**
   * Makes the file as large as it has to be: cut short it would fault the tenant's other processes,
   * grown it would fill the file system that all tenants share.
   *
   * @return whether it was not
   */
  public boolean restoreSize() {
    try {
      long bytes = channel.size();
      if (bytes > PageLayout.USAGE_PAGE_BYTES) {
        channel.truncate(PageLayout.USAGE_PAGE_BYTES);
      } else if (bytes < PageLayout.USAGE_PAGE_BYTES) {
        write(ByteBuffer.allocate(1), PageLayout.USAGE_PAGE_BYTES - 1L);
      }
      return bytes != PageLayout.USAGE_PAGE_BYTES;
    } catch (IOException e) {
      return true;
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private ByteBuffer stable(long offset, int bytes) {
    ByteBuffer last = read(offset, bytes);
    for (int i = 1; i < MOST_READINGS; i++) {
      ByteBuffer next = read(offset, bytes);
      if (next.equals(last)) {
        return next;
      }
      last = next;
    }
    return last;
  }

  private ByteBuffer read(long offset, int bytes) {
    ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    try {
      while (buffer.hasRemaining()) {
        if (channel.read(buffer, offset + buffer.position()) <= 0) {
          break;
        }
      }
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    return buffer.clear();
  }

  private void write(ByteBuffer buffer, long offset) throws IOException {
    long at = offset;
    while (buffer.hasRemaining()) {
      at += channel.write(buffer, at);
    }
  }
}
