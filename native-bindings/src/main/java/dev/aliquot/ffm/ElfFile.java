package dev.aliquot.ffm;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * What of an ELF file decides whether this JVM can map it. Offsets are those of the 64-bit ELF
 * header and program headers.
 */
final class ElfFile {
  private static final int MAGIC = 0x7f454c46;
  private static final int HEADER_BYTES = 64;
  private static final int PROGRAM_HEADER_BYTES = 56;
  private static final int CLASS_64 = 2;
  private static final int TYPE_SHARED_OBJECT = 3;
  private static final int PT_LOAD = 1;
  private static final int X86_64 = 62;
  private static final int AARCH64 = 183;
  private static final Map<Integer, String> MACHINES =
      Map.of(3, "x86", 40, "arm", X86_64, "x86-64", AARCH64, "aarch64", 243, "riscv64");

  private ElfFile() {}

  /** What is wrong with it as a shared library of this machine, as the rest of a sentence. */
  static Optional<String> fault(Path path) throws IOException {
    try (SeekableByteChannel file = Files.newByteChannel(path)) {
      ByteBuffer header = read(file, 0, HEADER_BYTES);
      if (header.limit() < Integer.BYTES || header.getInt(0) != MAGIC) {
        return Optional.of("is not a library (no ELF header)");
      }
      if (header.limit() < HEADER_BYTES) {
        return Optional.of("is cut short");
      }
      header.order(ByteOrder.LITTLE_ENDIAN);
      int machine = Short.toUnsignedInt(header.getShort(18));
      if (header.get(4) != CLASS_64 || machine != thisMachine()) {
        return Optional.of(
            "is a library for another machine (%s, %d-bit) than this (%s)"
                .formatted(
                    MACHINES.getOrDefault(machine, "ELF machine " + machine),
                    header.get(4) == CLASS_64 ? 64 : 32,
                    MACHINES.get(thisMachine())));
      }
      if (header.getShort(16) != TYPE_SHARED_OBJECT) {
        return Optional.of("is not a shared library");
      }
      return segmentsAreThere(file, header) ? Optional.empty() : Optional.of("is cut short");
    }
  }

  private static boolean segmentsAreThere(SeekableByteChannel file, ByteBuffer header)
      throws IOException {
    int count = Short.toUnsignedInt(header.getShort(56));
    ByteBuffer programs = read(file, header.getLong(32), count * PROGRAM_HEADER_BYTES);
    if (programs.limit() < count * PROGRAM_HEADER_BYTES) {
      return false;
    }
    programs.order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; at < programs.limit(); at += PROGRAM_HEADER_BYTES) {
      long end = programs.getLong(at + 8) + programs.getLong(at + 32);
      if (programs.getInt(at) == PT_LOAD && (end < 0 || end > file.size())) {
        return false;
      }
    }
    return true;
  }

  /** Up to {@code bytes} bytes; fewer where the file ends. */
  private static ByteBuffer read(SeekableByteChannel file, long from, int bytes)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(bytes);
    if (from >= 0 && from < file.size()) {
      file.position(from);
      while (buffer.hasRemaining() && file.read(buffer) >= 0) {
        // Until full or at the end.
      }
    }
    return buffer.flip();
  }

  private static int thisMachine() {
    return System.getProperty("os.arch", "").equals("aarch64") ? AARCH64 : X86_64;
  }
}
