package dev.aliquot.agent.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.aliquot.agent.AgentException;
import dev.aliquot.agent.Peer;
import dev.aliquot.agent.SwapWay;
import dev.aliquot.agent.config.MachineDefaults;
import dev.aliquot.agent.metrics.SampleNode;
import dev.aliquot.agent.view.DrillSpec;
import dev.aliquot.agent.view.DrillView;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.agent.view.TenantGrant;
import dev.aliquot.agent.view.TenantResize;
import dev.aliquot.agent.view.TenantSpec;
import dev.aliquot.ledger.Priority;
import dev.aliquot.residency.SwapMode;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AdminSocketTest {
  private static final int NOBODY = 65534;

  @TempDir private Path folder;

  private final AtomicReference<TenantSpec> asked = new AtomicReference<>();
  private final AtomicReference<TenantResize> resized = new AtomicReference<>();
  private final AtomicReference<String> swapped = new AtomicReference<>();
  private final AtomicReference<Peer> asker = new AtomicReference<>();
  private final AtomicReference<String> cleared = new AtomicReference<>();
  private final AtomicReference<DrillSpec> drilled = new AtomicReference<>();
  private AdminSocket admin;

  private final TenantAdmin agent =
      new TenantAdmin() {
        @Override
        public TenantGrant createTenant(TenantSpec spec, Peer peer) throws AgentException {
          asked.set(spec);
          asker.set(peer);
          if (spec.name().equals("too-big")) {
            throw new AgentException(AgentException.Kind.NO_ROOM, "1.0 GiB is free on the device");
          }
          return new TenantGrant("t1", spec.name(), "/d", List.of("GPU-1"), 1, Map.of("A", "B"));
        }

        @Override
        public void resizeTenant(String idOrName, TenantResize change, Peer peer)
            throws AgentException {
          endTenant(idOrName, peer);
          resized.set(change);
        }

        @Override
        public void swapTenant(String idOrName, SwapWay way, Peer peer) throws AgentException {
          endTenant(idOrName, peer);
          swapped.set(way.name());
        }

        @Override
        public void endTenant(String idOrName, Peer peer) throws AgentException {
          if (!idOrName.equals("t1")) {
            throw new AgentException(
                AgentException.Kind.NOT_FOUND, "there is no tenant " + idOrName);
          }
        }

        @Override
        public void clearDevice(String name, Peer peer) throws AgentException {
          endTenant(name.equals("GPU-1") ? "t1" : name, peer);
          cleared.set(name);
        }

        @Override
        public DrillView drill(DrillSpec spec, Peer peer) {
          drilled.set(spec);
          return new DrillView(
              "GPU-1", spec.code(), "N", "app", "T.", "A.", "healthy", "", List.of(), false);
        }

        @Override
        public NodeView view() {
          return SampleNode.node();
        }
      };

  @BeforeEach
  void open() throws IOException {
    admin = AdminSocket.open(folder, null, MachineDefaults.ownUid(), agent);
  }

  @AfterEach
  void close() {
    admin.close();
  }

  private String ask(String method, String path, String body) throws IOException {
    byte[] request =
        (method
                + " "
                + path
                + " HTTP/1.1\r\nconnection: close\r\ncontent-length: "
                + body.getBytes(StandardCharsets.UTF_8).length
                + "\r\n\r\n"
                + body)
            .getBytes(StandardCharsets.UTF_8);
    try (SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      socket.connect(UnixDomainSocketAddress.of(folder.resolve(AdminSocket.FILE)));
      socket.write(ByteBuffer.wrap(request));
      ByteBuffer answer = ByteBuffer.allocate(256 * 1024);
      while (socket.read(answer) >= 0) {
        assertThat(answer.hasRemaining()).isTrue();
      }
      return new String(answer.array(), 0, answer.position(), StandardCharsets.UTF_8);
    }
  }

  @Test
  void theSocketIsForItsOwnerAndGroupOnly() throws IOException {
    assertThat(
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(folder.resolve(AdminSocket.FILE))))
        .isEqualTo("rw-rw----");
  }

  @Test
  void aTenantIsSwappedOutAndIn() throws IOException {
    assertThat(ask("POST", "/v1/swap-out/t1", "")).startsWith("HTTP/1.1 202");
    assertThat(swapped.get()).isEqualTo("OUT");
    assertThat(ask("POST", "/v1/swap-in/t1", "")).startsWith("HTTP/1.1 202");
    assertThat(swapped.get()).isEqualTo("IN");
    assertThat(ask("POST", "/v1/swap-out/t2", ""))
        .startsWith("HTTP/1.1 404")
        .contains("there is no tenant t2");
  }

  @Test
  void whetherATenantMayBeSwappedOutIsSaidWhenItIsMade() throws IOException {
    assertThat(ask("POST", "/v1/tenants", "{\"memoryBytes\":5,\"swap\":\"never\"}"))
        .startsWith("HTTP/1.1 201");
    assertThat(asked.get().swap()).isEqualTo(SwapMode.NEVER);
    assertThat(ask("POST", "/v1/tenants", "{\"memoryBytes\":5,\"swap\":\"Never\"}"))
        .startsWith("HTTP/1.1 400")
        .contains("swap: 'Never' is not never, allowed or preferred");
  }

  @Test
  void thePriorityOfATenantIsSaidWhenItIsMade() throws IOException {
    assertThat(ask("POST", "/v1/tenants", "{\"memoryBytes\":5}")).startsWith("HTTP/1.1 201");
    assertThat(asked.get().priority()).isEqualTo(Priority.NORMAL);
    assertThat(ask("POST", "/v1/tenants", "{\"memoryBytes\":5,\"priority\":\"low\"}"))
        .startsWith("HTTP/1.1 201");
    assertThat(asked.get().priority()).isEqualTo(Priority.LOW);
    assertThat(ask("POST", "/v1/tenants", "{\"memoryBytes\":5,\"priority\":\"urgent\"}"))
        .startsWith("HTTP/1.1 400")
        .contains("priority: 'urgent' is not low, normal or high");
  }

  @Test
  void aTenantIsResized() throws IOException {
    assertThat(ask("PATCH", "/v1/tenants/t1", "{\"memoryBytes\":5,\"fractionLimitPercent\":50}"))
        .startsWith("HTTP/1.1 200");
    assertThat(resized.get()).isEqualTo(new TenantResize(5L, null, null, 50));
    assertThat(ask("PATCH", "/v1/tenants/t2", "{\"memoryBytes\":5}"))
        .startsWith("HTTP/1.1 404")
        .contains("there is no tenant t2");
    assertThat(ask("PATCH", "/v1/tenants/t1", "{}"))
        .startsWith("HTTP/1.1 400")
        .contains("give at least one of memoryBytes");
    assertThat(ask("PATCH", "/v1/tenants/t1", "{\"memoryBytes\":1,\"fractionPercent\":1}"))
        .startsWith("HTTP/1.1 400")
        .contains("give either memoryBytes or fractionPercent, not both");
    assertThat(ask("PATCH", "/v1/tenants/t1", "{\"fractionLimitPercent\":101}"))
        .startsWith("HTTP/1.1 400")
        .contains("fractionLimitPercent: 101 is not from 1 to 100");
  }

  @Test
  void aTenantIsMadeForThePeerThatTheKernelNames() throws IOException {
    assertThat(
            ask(
                "POST",
                "/v1/tenants",
                "{\"name\":\"train\",\"memoryBytes\":4294967296,\"devices\":[\"0\"]}"))
        .startsWith("HTTP/1.1 201")
        .contains("\"environment\":{\"A\":\"B\"}");
    assertThat(asked.get())
        .isEqualTo(new TenantSpec("train", "", "", "", List.of("0"), 4L << 30, null, 0));
    assertThat(asker.get().pid()).isEqualTo((int) ProcessHandle.current().pid());
    assertThat(asker.get().uid()).isEqualTo(MachineDefaults.ownUid());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | not",
        "'{' | not",
        "'[]' | not a valid request",
        "null | found null",
        "{\"memoryByte\":1} | unknown field 'memoryByte'; did you mean 'memoryBytes'?",
        "{\"memoryBytes\":1,\"memoryBytes\":2} | Duplicate",
        "{} | give either memoryBytes or fractionPercent",
        "{\"memoryBytes\":1,\"fractionPercent\":1} | not both",
        "{\"memoryBytes\":0} | memoryBytes: 0 is not more than 0",
        "{\"memoryBytes\":-5} | memoryBytes: -5 is not more than 0",
        "{\"memoryBytes\":1.5} | field 'memoryBytes'",
        "{\"memoryBytes\":\"4GiB\"} | field 'memoryBytes'",
        "{\"memoryBytes\":99999999999999999999} | field 'memoryBytes'",
        "{\"fractionPercent\":0} | fractionPercent: 0 is not from 1 to 100",
        "{\"fractionPercent\":101} | fractionPercent: 101 is not from 1 to 100",
        "{\"fractionPercent\":5,\"name\":\"../../etc\"} | name: '../../etc' is not",
        "{\"fractionPercent\":5,\"name\":7} | field 'name'",
        "{\"fractionPercent\":5,\"devices\":[\"; rm\"]} | devices: '; rm' is neither an index nor a"
            + " UUID",
        "{\"fractionPercent\":5,\"devices\":[null]} | neither an index nor a UUID",
        "{\"fractionPercent\":5,\"rootPid\":-1} | rootPid: -1 is no process",
        "{\"fractionPercent\":5} x | not"
      })
  void aRequestThatMakesNoSenseIsRefusedWithTheReason(String body, String why) throws IOException {
    assertThat(ask("POST", "/v1/tenants", body)).startsWith("HTTP/1.1 400").contains(escaped(why));
    assertThat(asked.get()).as("never reached the agent").isNull();
  }

  private static String escaped(String text) {
    return text.replace("\"", "\\\"");
  }

  @Test
  void theAgentsRefusalsPassThroughWithTheirSentence() throws IOException {
    assertThat(ask("POST", "/v1/tenants", "{\"name\":\"too-big\",\"fractionPercent\":50}"))
        .startsWith("HTTP/1.1 409")
        .contains("1.0 GiB is free on the device");
    assertThat(ask("DELETE", "/v1/tenants/t1", "")).startsWith("HTTP/1.1 200");
    assertThat(ask("DELETE", "/v1/tenants/t2", ""))
        .startsWith("HTTP/1.1 404")
        .contains("there is no tenant t2");
    assertThat(ask("POST", "/v1/tenants/t2", "")).startsWith("HTTP/1.1 405");
  }

  @Test
  void theNodeIsShown() throws IOException {
    assertThat(ask("GET", "/v1/node", ""))
        .startsWith("HTTP/1.1 200")
        .contains("\"node\":\"worker-7\"");
  }

  @Test
  void aGroupThatDoesNotExistIsNamed() {
    assertThatIOException()
        .isThrownBy(() -> AdminSocket.open(folder, "no-such-group-here", 0, agent).close())
        .withMessage("admin-group: there is no group 'no-such-group-here' on this machine");
  }

  /** The file's mode is opened up on purpose: what decides is who the peer is. */
  @Test
  void aStrangerIsRefusedEvenWhereTheFileLetsItConnect() throws Exception {
    openToEverybody(null);
    String answer = askAs(NOBODY, List.of("--clear-groups"));
    assertThat(answer)
        .startsWith("HTTP/1.1 403")
        .contains("user " + NOBODY)
        .contains("may not administer this agent");
  }

  @Test
  void aMemberOfTheGroupIsServedByPrimaryOrFurtherGroup() throws Exception {
    openToEverybody("4242");
    assertThat(askAs(4242, List.of("--clear-groups"))).startsWith("HTTP/1.1 200");
    assertThat(askAs(NOBODY, List.of("--groups=4242"))).startsWith("HTTP/1.1 200");
    assertThat(askAs(NOBODY, List.of("--groups=4243"))).startsWith("HTTP/1.1 403");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"memoryBytes\":1048576} | 201",
        "{\"memoryBytes\":1048576,\"rootPid\":1} | 403",
        "{\"memoryBytes\":1048576,\"container\":\"app\"} | 403"
      })
  void aMemberMakesTenantsOfItsOwnProcessOnly(String body, String status) throws Exception {
    openToEverybody("4242");
    String request =
        "POST /v1/tenants HTTP/1.1\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s"
            .formatted(body.length(), body);
    assertThat(askAs(NOBODY, List.of("--groups=4242"), request)).startsWith("HTTP/1.1 " + status);
    assertThat(asked.get() != null).as("reached the agent").isEqualTo(status.equals("201"));
  }

  private void openToEverybody(String group) throws IOException {
    assumeTrue(MachineDefaults.ownUid() == 0, "needs root, to become somebody else");
    assumeTrue(
        Files.isExecutable(Path.of("/usr/bin/setpriv"))
            && Files.isExecutable(Path.of("/usr/bin/perl")));
    admin.close();
    admin = AdminSocket.open(folder, group, 0, agent);
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    Files.setPosixFilePermissions(
        folder.resolve(AdminSocket.FILE), PosixFilePermissions.fromString("rw-rw-rw-"));
  }

  private String askAs(int gid, List<String> groups) throws IOException, InterruptedException {
    return askAs(gid, groups, "GET /v1/node HTTP/1.1\r\nconnection: close\r\n\r\n");
  }

  private String askAs(int gid, List<String> groups, String request)
      throws IOException, InterruptedException {
    String script =
        "my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die $!; print $s $ARGV[1];"
            + " $s->flush; local $/; print <$s>;";
    List<String> command =
        new java.util.ArrayList<>(List.of("setpriv", "--reuid=" + NOBODY, "--regid=" + gid));
    command.addAll(groups);
    command.addAll(
        List.of(
            "perl",
            "-MIO::Socket::UNIX",
            "-e",
            script,
            folder.resolve(AdminSocket.FILE).toString(),
            request));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return said;
  }
}
