package dev.aliquot.plugin.kubelet;

import io.grpc.BindableService;
import io.grpc.Server;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A service on a socket file that others may remove: {@link #ensure} makes it anew. Used by one
 * thread.
 */
final class UnixServer implements AutoCloseable {
  private final Loops loops;
  private final Path socket;
  private final BindableService service;
  private @Nullable Server server;
  private @Nullable SocketId made;

  UnixServer(Loops loops, Path socket, BindableService service) {
    this.loops = loops;
    this.socket = socket;
    this.service = service;
  }

  /**
   * Serves, if it does not, or if its file is not there any more or another's.
   *
   * @return whether the file was made now
   */
  boolean ensure() throws IOException {
    Optional<SocketId> there = SocketId.of(socket);
    SocketId mine = made;
    if (server != null && mine != null && there.filter(mine::isSameFile).isPresent()) {
      return false;
    }
    renew();
    return true;
  }

  /** Makes the socket anew, so that whoever watches its folder sees it; connections end. */
  void renew() throws IOException {
    // Before the new file is made: an old server removes whatever is at its path.
    close();
    Path folder = socket.getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    Files.deleteIfExists(socket);
    server = loops.server(socket).addService(service).build().start();
    made = SocketId.of(socket).orElse(null);
  }

  @Override
  public void close() {
    Server old = server;
    server = null;
    made = null;
    if (old != null) {
      old.shutdownNow();
      try {
        old.awaitTermination(2, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
