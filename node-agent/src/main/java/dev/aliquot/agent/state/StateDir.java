package dev.aliquot.agent.state;

import dev.aliquot.linux.Identity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * The agent's directory. Root's can be passed through by everybody, because the tenants'
 * directories are in it; a user's is that user's alone.
 */
public final class StateDir {
  /** Room for {@code /tenants/<id>/agent.sock} in the longest path of a socket. */
  private static final int MAX_PATH_BYTES =
      107 - "/tenants/".length() - 16 - "/agent.sock".length();

  private final Path path;
  private final boolean root;

  private StateDir(Path path, boolean root) {
    this.path = path;
    this.root = root;
  }

  /**
   * Makes the directory and those in it where they are missing.
   *
   * @throws IOException with a sentence: not ours, not ours alone, too long a path, or not to be
   *     made
   */
  public static StateDir prepare(Path given) throws IOException {
    int uid = Identity.effectiveUserId();
    Path wanted = given.toAbsolutePath().normalize();
    try {
      Files.createDirectories(wanted.getParent() == null ? wanted : wanted.getParent());
    } catch (IOException e) {
      throw new IOException(
          "the state directory "
              + wanted
              + " cannot be made: "
              + reason(e)
              + "; name another with --state-dir",
          e);
    }
    refuseForeignLink(wanted, uid);
    makeDirectory(wanted, uid == 0 ? "rwxr-xr-x" : "rwx------");
    Path path = wanted.toRealPath();
    if (path.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8).length > MAX_PATH_BYTES) {
      throw new IOException(
          "the state directory "
              + path
              + " has too long a path for sockets: choose one of at most "
              + MAX_PATH_BYTES
              + " bytes with --state-dir");
    }
    checkOwner(path, uid);
    StateDir state = new StateDir(path, uid == 0);
    makeDirectory(state.tenants(), uid == 0 ? "rwx--x--x" : "rwx------");
    makePods(state.pods(), uid);
    makeDirectory(state.registry(), "rwx------");
    return state;
  }

  /** Whether the agent is root's, and so the tenants are other users. */
  public boolean root() {
    return root;
  }

  public Path path() {
    return path;
  }

  /** What faults there were, and what they have made of the devices. */
  public Path healthFile() {
    return path.resolve("health.json");
  }

  /** The folders of tenants of this machine's processes, which pass through it. */
  public Path tenants() {
    return path.resolve("tenants");
  }

  /**
   * The folders of pods' tenants. Containers have them mounted, so that nobody else passes: what in
   * them anybody may write in a container is out of reach of the machine's users.
   */
  public Path pods() {
    return path.resolve("pods");
  }

  /** The tenant's own. */
  public Path folder(TenantRecord tenant) {
    return (tenant.binding() == null ? tenants() : pods()).resolve(tenant.id());
  }

  /** Whether an earlier agent has left tenants to carry on with. */
  public boolean hasTenants() throws IOException {
    try (var records = Files.newDirectoryStream(registry())) {
      return records.iterator().hasNext();
    }
  }

  public Path registry() {
    return path.resolve("registry");
  }

  /** The simulated node. */
  public Path node() {
    return path.resolve("node");
  }

  public Path libraries() {
    return path.resolve("lib");
  }

  public Path lockFile() {
    return path.resolve("agent.lock");
  }

  /** Which processes are suspended. */
  public Path suspendedFile() {
    return path.resolve("suspended");
  }

  /** Which limits may be in force in the driver. */
  public Path limitsFile() {
    return path.resolve("driver-limits");
  }

  /** Where the agent says how to reach it. */
  public Path agentFile() {
    return path.resolve("agent.json");
  }

  static void makeDirectory(Path directory, String permissions) throws IOException {
    Set<PosixFilePermission> wanted = PosixFilePermissions.fromString(permissions);
    if (!Files.isDirectory(directory)) {
      try {
        Files.createDirectory(directory, PosixFilePermissions.asFileAttribute(wanted));
      } catch (IOException e) {
        throw new IOException(
            "the directory "
                + directory
                + " cannot be made: "
                + reason(e)
                + "; name another state directory with --state-dir",
            e);
      }
      Files.setPosixFilePermissions(directory, wanted);
    }
  }

  /**
   * A container runtime makes it where it finds none after the node has started again: what it lets
   * through is put right. Containers are told by what they have mounted, which a link is not.
   */
  private static void makePods(Path pods, int uid) throws IOException {
    if (Files.isSymbolicLink(pods)) {
      throw new IOException(
          "the folder of pods "
              + pods
              + " is a link: remove it, and mount a file system there if it is to be on another");
    }
    makeDirectory(pods, "rwx------");
    checkUser("the folder of pods", pods, uid, "remove it while no pod uses it");
    Files.setPosixFilePermissions(pods, PosixFilePermissions.fromString("rwx------"));
  }

  /** In a folder that everybody may write, anyone could have put a link where ours is to be. */
  private static void refuseForeignLink(Path wanted, int uid) throws IOException {
    if (Files.isSymbolicLink(wanted)) {
      int owner = (Integer) Files.getAttribute(wanted, "unix:uid", LinkOption.NOFOLLOW_LINKS);
      if (owner != uid && owner != 0) {
        throw new IOException(
            "the state directory "
                + wanted
                + " is a link made by user "
                + owner
                + ": remove it, or name another with --state-dir");
      }
    }
  }

  private static void checkUser(String what, Path path, int uid, String remedy) throws IOException {
    int owner = (Integer) Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS);
    if (owner != uid) {
      throw new IOException(
          what + " " + path + " belongs to user " + owner + ", not to user " + uid + ": " + remedy);
    }
  }

  private static void checkOwner(Path path, int uid) throws IOException {
    checkUser("the state directory", path, uid, "name another with --state-dir");
    Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(path);
    if (permissions.contains(PosixFilePermission.OTHERS_WRITE)
        || permissions.contains(PosixFilePermission.GROUP_WRITE)) {
      throw new IOException(
          "the state directory "
              + path
              + " can be written by others: run chmod go-w on it, or name another with --state-dir");
    }
  }

  private static String reason(IOException e) {
    return e instanceof java.nio.file.AccessDeniedException
        ? "permission denied"
        : e.getClass().getSimpleName() + " " + e.getMessage();
  }
}
