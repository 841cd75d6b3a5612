package dev.aliquot.agent.kmsg;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A log as a simulated node writes it: one write a record, the file made with the first. */
final class GrowingFile {
  private final Path path;
  private long written;

  GrowingFile(Path path) {
    this.path = path;
  }

  /** Adds a record of the kernel's; they are numbered from 0 on. */
  void say(String text) throws IOException {
    append("6,%d,%d,-;%s\n".formatted(written, 1000 + written, text));
    written++;
  }

  void append(String bytes) throws IOException {
    Files.writeString(
        path, bytes, ISO_8859_1, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  Path path() {
    return path;
  }
}
