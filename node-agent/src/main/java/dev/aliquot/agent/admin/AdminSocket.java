package dev.aliquot.agent.admin;

import dev.aliquot.agent.http.HttpServer;
import dev.aliquot.agent.http.Limits;
import dev.aliquot.linux.Identity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * The administration socket {@code admin.sock}: mode 0660, owned by the agent's user and the
 * administration group.
 */
public final class AdminSocket implements AutoCloseable {
  /** The file's name in the state folder. */
  public static final String FILE = "admin.sock";

  private static final Limits LIMITS = new Limits(64, Duration.ofSeconds(30));

  private final Path socket;
  private final HttpServer server;

  private AdminSocket(Path socket, HttpServer server) {
    this.socket = socket;
    this.server = server;
  }

  /**
   * Serves. A socket left by an earlier agent is replaced: the caller holds the state folder's
   * lock. The file's mode is set after the file exists; until then, and after, every request is
   * checked against the peer's credentials.
   *
   * @param group a name or a number; null: none
   * @throws IOException with a sentence that says what to change
   */
  public static AdminSocket open(
      Path stateDir, @Nullable String group, int agentUid, TenantAdmin agent) throws IOException {
    Path socket = stateDir.resolve(FILE);
    OptionalInt gid = group == null ? OptionalInt.empty() : OptionalInt.of(number(group));
    Files.deleteIfExists(socket);
    Permission permission = new Permission(agentUid, gid);
    HttpServer server =
        HttpServer.unix(socket, LIMITS, new AdminRoutes(agent, permission).routes());
    try {
      if (gid.isPresent()) {
        Files.setAttribute(socket, "unix:gid", gid.getAsInt());
      }
      Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-rw----"));
    } catch (IOException e) {
      server.close();
      Files.deleteIfExists(socket);
      throw new IOException(
          "admin-group: this user may not give files to the group '"
              + group
              + "'; join it or run the agent as root",
          e);
    }
    return new AdminSocket(socket, server);
  }

  private static int number(String group) throws IOException {
    if (group.matches("[0-9]{1,9}")) {
      return Integer.parseInt(group);
    }
    return Identity.groupId(group)
        .orElseThrow(
            () ->
                new IOException("admin-group: there is no group '" + group + "' on this machine"));
  }

  /** Stops serving and removes the socket. */
  @Override
  public void close() {
    server.close();
    try {
      Files.deleteIfExists(socket);
    } catch (IOException nextAgentReplacesIt) {
      return;
    }
  }
}
