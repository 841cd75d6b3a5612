package dev.aliquot.agent.wire;

import io.netty.channel.Channel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A tenant's socket while it is served. */
public final class ServedSocket implements AutoCloseable {
  private final Channel server;
  private final ConnectionLimit connections;
  private final Path path;

  ServedSocket(Channel server, ConnectionLimit connections, Path path) {
    this.server = server;
    this.connections = connections;
    this.path = path;
  }

  /**
   * Stops serving and removes the file. May be called on any thread; what is under way may be cut
   * off.
   */
  @Override
  public void close() {
    var _ = server.close();
    connections.closeAll();
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
