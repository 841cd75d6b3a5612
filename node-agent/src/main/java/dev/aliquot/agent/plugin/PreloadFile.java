package dev.aliquot.agent.plugin;

import dev.aliquot.agent.Places;
import dev.aliquot.agent.state.DurableFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;

/**
 * What of the folder of libraries stays when the agent is another version: a link to the version of
 * now, exchanged by renaming, and the file that has a container's loader preload what is behind it.
 * Folders of earlier versions stay, for running programs have their files mapped and containers may
 * start programs at any time between.
 */
final class PreloadFile {
  static final String NAME = "ld.so.preload";
  static final String CURRENT = "current";

  private PreloadFile() {}

  /**
   * Makes both, or puts them right.
   *
   * @throws IOException when they cannot be made: no container could be held to its share
   */
  static void provide(Places places) throws IOException {
    Path version = places.preload().getFirst().getParent();
    if (version == null || !places.libraries().equals(version.getParent())) {
      throw new IOException(version + " is not in the folder of libraries");
    }
    link(places.libraries().resolve(CURRENT), version.getFileName());
    write(places.libraries().resolve(NAME), places);
  }

  private static void link(Path link, Path target) throws IOException {
    if (Files.isSymbolicLink(link) && Files.readSymbolicLink(link).equals(target)) {
      return;
    }
    Path beside = link.resolveSibling("." + CURRENT + ".new");
    Files.deleteIfExists(beside);
    Files.createSymbolicLink(beside, target);
    Files.move(beside, link, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Running containers have this very file mounted: it stays while it is right. */
  private static void write(Path file, Places places) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (Path library : places.preload()) {
      lines
          .append(Injections.LIBRARIES)
          .append('/')
          .append(CURRENT)
          .append('/')
          .append(library.getFileName())
          .append('\n');
    }
    byte[] content = lines.toString().getBytes(StandardCharsets.UTF_8);
    if (!Files.isRegularFile(file) || !Arrays.equals(Files.readAllBytes(file), content)) {
      DurableFile.write(file, content, true);
    }
  }
}
