package dev.aliquot.ffm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** C strings, read within bounds. */
public final class CStrings {
  private CStrings() {}

  /** The text up to the first NUL, or all of the segment if there is none. */
  public static String read(MemorySegment buffer) {
    long length = 0;
    while (length < buffer.byteSize() && buffer.get(JAVA_BYTE, length) != 0) {
      length++;
    }
    return new String(buffer.asSlice(0, length).toArray(JAVA_BYTE), StandardCharsets.UTF_8);
  }
}
