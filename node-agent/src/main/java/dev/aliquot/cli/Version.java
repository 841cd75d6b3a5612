package dev.aliquot.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine.IVersionProvider;

/** Aliquot's version, as the build wrote it into the artefact. */
public final class Version implements IVersionProvider {

  /** Such as {@code 0.1.0-SNAPSHOT}. */
  public static String text() {
    try (InputStream in = Version.class.getResourceAsStream("/dev/aliquot/version")) {
      return in == null ? "unknown" : new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public String[] getVersion() {
    return new String[] {"aliquot " + text()};
  }
}
