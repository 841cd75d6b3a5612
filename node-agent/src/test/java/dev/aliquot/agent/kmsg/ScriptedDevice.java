package dev.aliquot.agent.kmsg;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.aliquot.linux.Descriptors;
import dev.aliquot.linux.EventFd;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A log device whose reads come out as the test has laid them down; then there is nothing more. */
final class ScriptedDevice implements Device {
  /** The result of a read: text, a number of {@link Device}, or an exception. */
  private final List<Object> reads = new ArrayList<>();

  private int at;

  /** A record of the kernel's. */
  ScriptedDevice says(long sequence, String text) {
    return gives(
        "6,%d,%d,-;%s\n SUBSYSTEM=pci\n DEVICE=+pci:0000:06:00.0\n".formatted(sequence, 9, text));
  }

  synchronized ScriptedDevice gives(Object read) {
    reads.add(read);
    return this;
  }

  @Override
  public synchronized int read(byte[] buffer) throws IOException {
    if (at == reads.size()) {
      return NOTHING;
    }
    return switch (reads.get(at++)) {
      case String text -> {
        byte[] bytes = text.getBytes(UTF_8);
        System.arraycopy(bytes, 0, buffer, 0, bytes.length);
        yield bytes.length;
      }
      case Integer number -> number;
      case IOException e -> throw e;
      default -> throw new AssertionError();
    };
  }

  @Override
  public synchronized void rewind() {
    at = 0;
  }

  @Override
  public void await(EventFd wake) {
    Descriptors.awaitReadable(Duration.ofMillis(10), wake.descriptor());
  }

  @Override
  public void close() {
    // Opened again, it goes on.
  }
}
