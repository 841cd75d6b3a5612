package dev.aliquot.cli.client;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import dev.aliquot.agent.SwapWay;
import dev.aliquot.agent.config.MachineDefaults;
import dev.aliquot.agent.http.Json;
import dev.aliquot.agent.view.DrillSpec;
import dev.aliquot.agent.view.DrillView;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.agent.view.TenantGrant;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketTimeoutException;
import java.net.URLEncoder;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The agent of one state folder. Never starts one. Thread-safe. */
public final class AgentClient {
  private static final byte[] NOTHING = {};
  private static final int LONGEST_SOCKET_PATH = 107;

  private final Path stateDir;

  /** Nothing is contacted yet. */
  public AgentClient(Path stateDir) {
    this.stateDir = stateDir;
  }

  /** The state folder. */
  public Path stateDir() {
    return stateDir;
  }

  /**
   * The node now: over the administration socket, or for a user who may not use that, from the
   * agent's HTTP address.
   *
   * @throws CommandFailure when no agent answers
   */
  public NodeView node() throws CommandFailure {
    HttpExchange answer;
    if (Files.isWritable(socket())) {
      answer = admin("GET", "/v1/node", NOTHING);
    } else {
      answer = open();
    }
    expect(answer, 200);
    return read(answer, NodeView.class);
  }

  /**
   * Makes a tenant rooted in this very process.
   *
   * @param request the fields of a TenantSpec
   * @throws CommandFailure with the agent's sentence
   */
  public TenantGrant create(Map<String, Object> request) throws CommandFailure {
    refuseForeignAgent();
    HttpExchange answer = admin("POST", "/v1/tenants", Json.bytes(request));
    expect(answer, 201);
    return read(answer, TenantGrant.class);
  }

  /**
   * Changes a tenant's share.
   *
   * @param change of memoryBytes, fractionPercent, memoryLimitBytes, fractionLimitPercent
   * @throws CommandFailure with the agent's sentence
   */
  public void resize(String idOrName, Map<String, Object> change) throws CommandFailure {
    expect(admin("PATCH", "/v1/tenants/" + segment(idOrName), Json.bytes(change)), 200);
  }

  /**
   * Has a tenant's data move to host memory, or back. Does not wait for it.
   *
   * @throws CommandFailure with the agent's sentence
   */
  public void swap(String idOrName, SwapWay way) throws CommandFailure {
    String route =
        switch (way) {
          case OUT -> "/v1/swap-out/";
          case OUT_DEEP -> "/v1/swap-out-deep/";
          case IN -> "/v1/swap-in/";
        };
    String path = route + segment(idOrName);
    expect(admin("POST", path, NOTHING), 202);
  }

  /**
   * Ends a tenant.
   *
   * @throws CommandFailure with the agent's sentence
   */
  public void end(String idOrName) throws CommandFailure {
    expect(admin("DELETE", "/v1/tenants/" + segment(idOrName), NOTHING), 200);
  }

  /**
   * Takes back what faults have made of a device.
   *
   * @param device UUID or index
   * @throws CommandFailure with the agent's sentence
   */
  public void clearDevice(String device) throws CommandFailure {
    if (!device.matches("[A-Za-z0-9-]{1,80}")) {
      throw new CommandFailure(
          ExitCode.FAILED, "there is no such device: name its index or UUID; see aliquot status");
    }
    expect(admin("POST", "/v1/health-clear/" + device, NOTHING), 200);
  }

  /**
   * Makes a fault for practice, or says what it would do.
   *
   * @throws CommandFailure with the agent's sentence
   */
  public DrillView drill(DrillSpec spec) throws CommandFailure {
    HttpExchange answer = admin("POST", "/v1/health-drill", Json.bytes(spec));
    expect(answer, 200);
    return read(answer, DrillView.class);
  }

  private static String segment(String idOrName) throws CommandFailure {
    if (!idOrName.matches("[A-Za-z0-9._-]{1,63}")) {
      throw new CommandFailure(
          ExitCode.FAILED,
          "there is no such tenant: ids and names are letters, digits, '.', '_' and '-'; see aliquot status");
    }
    return URLEncoder.encode(idOrName, StandardCharsets.UTF_8).replace("+", "%20");
  }

  /**
   * What an agent grants are libraries that this user's program loads, so it must be root's or this
   * user's own: anyone can put a folder where ours would be in /tmp.
   */
  private void refuseForeignAgent() throws CommandFailure {
    int own = MachineDefaults.ownUid();
    for (Path file : List.of(stateDir, socket())) {
      int owner;
      try {
        owner = (Integer) Files.getAttribute(file, "unix:uid");
      } catch (AccessDeniedException e) {
        throw foreignFolder();
      } catch (IOException e) {
        throw noAgent();
      }
      if (owner != 0 && owner != own) {
        throw new CommandFailure(
            ExitCode.NOT_PERMITTED,
            file
                + " belongs to user "
                + owner
                + ", who could make your program load anything; use an agent of root's or your own");
      }
    }
  }

  private Path socket() {
    return stateDir.resolve("admin.sock");
  }

  private HttpExchange admin(String method, String path, byte[] body) throws CommandFailure {
    Path socket = socket();
    if (socket.toString().length() > LONGEST_SOCKET_PATH) {
      throw new CommandFailure(
          ExitCode.USAGE,
          "the path "
              + socket
              + " is too long for a unix socket (107 bytes); choose a shorter --state-dir");
    }
    if (Files.exists(socket) && !Files.isWritable(socket)) {
      throw new CommandFailure(
          ExitCode.NOT_PERMITTED,
          "this user may not use the agent at "
              + stateDir
              + "; run as root, or as a member of the agent's admin-group");
    }
    return ask(UnixDomainSocketAddress.of(socket), method, path, body);
  }

  private HttpExchange open() throws CommandFailure {
    Announcement agent = announcement();
    if (agent == null) {
      throw noAgent();
    }
    int colon = agent.http().lastIndexOf(':');
    String host = agent.http().substring(0, Math.max(colon, 0)).replace("[", "").replace("]", "");
    SocketAddress address =
        new InetSocketAddress(wildcard(host), Integer.parseInt(agent.http().substring(colon + 1)));
    return ask(address, "GET", "/api/v1/node", NOTHING);
  }

  private static String wildcard(String host) {
    return host.equals("0.0.0.0") || host.equals("::") || host.equals("0:0:0:0:0:0:0:0")
        ? "localhost"
        : host;
  }

  private @Nullable Announcement announcement() throws CommandFailure {
    try {
      return Json.read(Files.readAllBytes(stateDir.resolve(Announcement.FILE)), Announcement.class);
    } catch (AccessDeniedException e) {
      throw foreignFolder();
    } catch (IOException | IllegalArgumentException e) {
      return null;
    }
  }

  private HttpExchange ask(SocketAddress address, String method, String path, byte[] body)
      throws CommandFailure {
    try {
      return HttpExchange.ask(address, method, path, body);
    } catch (SocketTimeoutException e) {
      throw new CommandFailure(
          ExitCode.FAILED,
          "the agent at " + stateDir + " does not answer; its log may say why, or it is stopped");
    } catch (IOException | RuntimeException e) {
      throw noAgent();
    }
  }

  private CommandFailure foreignFolder() {
    return new CommandFailure(
        ExitCode.NOT_PERMITTED,
        "this user may not look into "
            + stateDir
            + ", which is another user's; use an agent of root's or your own");
  }

  private CommandFailure noAgent() {
    return new CommandFailure(
        ExitCode.NO_AGENT,
        "no agent is running at "
            + stateDir
            + "; start one with: aliquot agent --state-dir "
            + stateDir
            + " (or name its folder with --state-dir)");
  }

  private static void expect(HttpExchange answer, int status) throws CommandFailure {
    if (answer.status() == status) {
      return;
    }
    String sentence;
    try {
      Problem problem = Json.read(answer.body(), Problem.class);
      sentence = answer.status() == 403 ? problem.error() + "; " + problem.hint() : problem.error();
    } catch (IllegalArgumentException e) {
      sentence = "the agent answered with HTTP status " + answer.status();
    }
    int code =
        switch (answer.status()) {
          case 403 -> ExitCode.NOT_PERMITTED;
          case 400 -> ExitCode.USAGE;
          default -> ExitCode.FAILED;
        };
    throw new CommandFailure(code, sentence);
  }

  private static <T> T read(HttpExchange answer, Class<T> type) throws CommandFailure {
    try {
      return Json.read(answer.body(), type);
    } catch (IllegalArgumentException e) {
      throw new CommandFailure(
          ExitCode.FAILED,
          "the agent's answer is of another version ("
              + e.getMessage()
              + "); use the aliquot that started it");
    }
  }

  /** An error answer. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  record Problem(String error, String hint) {}
}
