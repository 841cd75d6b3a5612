package dev.aliquot.agent.page;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Writes into a usage page what a process of the tenant would. */
public final class UsageWriter {
  private final Path page;
  private final int slot;

  /** Of one slot of a page. */
  public UsageWriter(Path page, int slot) {
    this.page = page;
    this.slot = slot;
  }

  /** As a process does that has the slot. */
  public void report(long generation, long changes, long inFlight) throws IOException {
    try (FileChannel file = FileChannel.open(page, StandardOpenOption.WRITE)) {
      put(file, PageLayout.USAGE_GENERATION, generation);
      put(file, PageLayout.USAGE_STATE, PageLayout.STATE_ATTACHED);
      put(file, PageLayout.USAGE_CHANGES, changes);
      put(file, PageLayout.USAGE_IN_FLIGHT, inFlight);
    }
  }

  /** As a process does of a device whose memory all can move. */
  public void hold(int device, long bytes) throws IOException {
    try (FileChannel file = FileChannel.open(page, StandardOpenOption.WRITE)) {
      put(file, PageLayout.USAGE_USED + (long) device * Long.BYTES, bytes);
      put(file, PageLayout.USAGE_MOVABLE + (long) device * Long.BYTES, bytes);
    }
  }

  /** As a process does that is out, with so much of a device's memory in host memory. */
  public void park(int device, long demotedBytes) throws IOException {
    hold(device, 0);
    try (FileChannel file = FileChannel.open(page, StandardOpenOption.WRITE)) {
      put(file, PageLayout.USAGE_DEMOTED + (long) device * Long.BYTES, demotedBytes);
    }
    parked(PageLayout.PARKED);
  }

  /** Writes one of the words about what is pinned. */
  public void pin(int word, int reason, int device, long bytes) throws IOException {
    try (FileChannel file = FileChannel.open(page, StandardOpenOption.WRITE)) {
      put(
          file,
          PageLayout.USAGE_PINS + (long) word * Long.BYTES,
          (long) reason << PageLayout.PIN_REASON_SHIFT
              | (long) device << PageLayout.PIN_DEVICE_SHIFT
              | bytes);
    }
  }

  /** As a process does that has let go of all that it had imported. */
  public void goBare() throws IOException {
    parked(PageLayout.PARKED_BARE);
  }

  private void parked(int how) throws IOException {
    try (FileChannel file = FileChannel.open(page, StandardOpenOption.WRITE)) {
      ByteBuffer word = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      word.putInt(how).flip();
      file.write(word, PageLayout.slot(slot) + PageLayout.USAGE_PARKED);
    }
  }

  private void put(FileChannel file, long offset, long value) throws IOException {
    ByteBuffer word = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    word.putLong(value).flip();
    file.write(word, PageLayout.slot(slot) + offset);
  }
}
