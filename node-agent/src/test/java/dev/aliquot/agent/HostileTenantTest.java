package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.process.ProcessId;
import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.ProcessView;
import dev.aliquot.agent.view.TenantGrant;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Whatever a tenant sends or writes harms nobody but itself. */
class HostileTenantTest extends AgentFixture {
  private TenantGrant hostile;
  private Talker neighbour;

  @BeforeEach
  void neighbours() throws Exception {
    hostile = grant("hostile", 2 * GIB);
    neighbour = raw(grant("neighbour", 2 * GIB));
    assertThat(neighbour.say("hello")).startsWith("welcome 0 ");
  }

  private void assertNeighbourIsFine() {
    assertThat(neighbour.say("ask 0 " + GIB)).isEqualTo("granted " + 2 * GIB);
    assertThat(neighbour.say("settle 0")).isEqualTo("granted " + 2 * GIB);
  }

  private record Answer(int type, int status, String reason, boolean closed) {}

  private Answer send(byte[] bytes) throws IOException {
    try (SocketChannel channel = connect()) {
      channel.write(ByteBuffer.wrap(bytes));
      ByteBuffer answer = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
      int n = 0;
      while (n >= 0 && answer.hasRemaining()) {
        n = channel.read(answer);
        if (answer.position() >= 16
            && answer.position() >= 16 + answer.getInt(8)
            && answer.getShort(6) != 15) {
          break;
        }
      }
      if (answer.position() < 16) {
        return new Answer(-1, -1, "", true);
      }
      String reason =
          answer.getShort(6) == 15
              ? new String(answer.array(), 24, answer.getInt(20), StandardCharsets.UTF_8)
              : "";
      return new Answer(answer.getShort(6), answer.getInt(16), reason, n < 0);
    }
  }

  private SocketChannel connect() throws IOException {
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    channel.connect(UnixDomainSocketAddress.of(Path.of(hostile.directory(), "agent.sock")));
    return channel;
  }

  private static byte[] frame(int magic, int version, int type, long length, byte... payload) {
    return ByteBuffer.allocate(16 + payload.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(magic)
        .putShort((short) version)
        .putShort((short) type)
        .putInt((int) length)
        .putInt(9)
        .put(payload)
        .array();
  }

  @Test
  void malformedFramesAreAnsweredWithTheirCauseAndClosed() throws IOException {
    assertThat(send("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII)))
        .isEqualTo(new Answer(15, 3, "this is no frame: it begins with 0x20544547", true));
    assertThat(send(frame(0x46514c41, 2, 1, 8, new byte[8])).reason())
        .startsWith("the agent speaks protocol version 1, not 2");
    assertThat(send(frame(0x46514c41, 2, 1, 8, new byte[8])).status()).isEqualTo(4);
    assertThat(send(frame(0x46514c41, 1, 3, 0xffffffffL)).reason())
        .isEqualTo("a frame of type 3 has 24 payload bytes, not 4294967295");
    assertThat(send(frame(0x46514c41, 1, 77, 0)).reason()).isEqualTo("frame type 77 is no request");
    assertThat(send(frame(0x46514c41, 1, 2, 16, new byte[16])).status()).isEqualTo(3);
    assertThat(agent.stats().malformedFrames()).isEqualTo(6);
    assertThat(agent.stats().refusalsByStatus())
        .containsEntry("malformed", 4L)
        .containsEntry("version", 2L);
    assertNeighbourIsFine();
  }

  @Test
  void randomBytesAndHalfFramesHurtNobody() throws IOException {
    Random random = new Random(7);
    List<SocketChannel> open = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      byte[] bytes = new byte[random.nextInt(5000)];
      random.nextBytes(bytes);
      SocketChannel channel = connect();
      channel.write(ByteBuffer.wrap(bytes));
      open.add(channel);
    }
    for (int i = 0; i < 100; i++) {
      SocketChannel channel = connect();
      channel.write(ByteBuffer.wrap(frame(0x46514c41, 1, 1, 8)));
      open.add(channel);
    }
    assertNeighbourIsFine();
    for (SocketChannel channel : open) {
      channel.close();
    }
    assertThat(raw(hostile).say("hello")).startsWith("welcome");
  }

  @Test
  void aConnectionThatSaysNothingIsClosed() throws IOException {
    try (SocketChannel silent = connect()) {
      Eventually.soon(() -> assertThat(agent.stats().idleConnections()).isEqualTo(1));
      assertThat(silent.read(ByteBuffer.allocate(1))).isEqualTo(-1);
    }
  }

  @Test
  void aStrangerIsRefused() throws Exception {
    Talker elsewhere = talk(Map.of(), Path.of("/bin/cat"));
    TenantGrant other =
        agent.createTenant(spec("other", GIB, elsewhere.pid()), peer(elsewhere.pid()));
    Talker stranger = raw(other);
    assertThat(stranger.say("hello"))
        .startsWith("refused 2 process " + stranger.pid() + " of user ")
        .contains("is not one of tenant other's");
    assertThat(agent.stats().unknownPeers()).isEqualTo(1);
  }

  @Test
  void nobodyCanUseASlotThatIsNotItsOwn() {
    Talker owner = raw(hostile);
    String[] welcome = owner.say("hello").split(" ");
    Talker thief = raw(hostile);
    assertThat(thief.say("as " + welcome[1] + " " + welcome[2])).isEqualTo("ok");
    assertThat(thief.say("ask 0 4096")).startsWith("refused 6 ");
    assertThat(thief.say("bye")).startsWith("refused 6 ");
    assertThat(owner.say("as " + welcome[1] + " 1")).isEqualTo("ok");
    assertThat(owner.say("ask 0 4096")).startsWith("refused 6 ");
    assertThat(owner.say("hello")).as("the same slot again").isEqualTo(String.join(" ", welcome));
  }

  @Test
  void impossibleNumbersAreRefused() {
    Talker member = raw(hostile);
    member.say("hello");
    assertThat(member.say("ask 0 18446744073709551615"))
        .startsWith("refused 1 more than can exist would pass the limit");
    assertThat(member.say("ask 0 9223372036854775807"))
        .startsWith("refused 1 8 EiB would pass the limit of 2 GiB");
    assertThat(member.say("ask 9 1")).startsWith("refused 3 this tenant has no device 9");
    assertThat(member.say("settle 4294967295"))
        .startsWith("refused 3 this tenant has no device 4294967295");
    assertThat(member.say("ask 0 " + 2 * GIB)).isEqualTo("granted " + 2 * GIB);
  }

  @Test
  void aUsagePageFullOfNonsenseHarmsOnlyItsTenant() {
    Talker member = raw(hostile);
    Talker sibling = raw(hostile);
    member.say("hello");
    sibling.say("hello");
    member.say("garbage");
    Eventually.soon(
        () -> {
          assertThat(view("hostile").reportedBytes()).isZero();
          assertThat(view("hostile").usedBytes()).isBetween(0L, 2 * GIB);
          assertThat(view("hostile").creditBytes()).isLessThanOrEqualTo(2 * GIB);
          assertThat(view("hostile").refusals()).isZero();
        });
    assertNeighbourIsFine();
    assertThat(view("neighbour").usedBytes()).isZero();
    assertThat(member.say("hello")).startsWith("welcome 0 ");
    member.say("use 0 18446744073709551615");
    Eventually.soon(() -> assertThat(agent.stats().usagePageAnomalies()).isPositive());
    assertThat(sibling.say("ask 0 " + GIB))
        .as("it holds on to its credit, which is all")
        .startsWith("refused 1");
    member.kill();
    Eventually.soon(
        () -> assertThat(sibling.say("ask 0 " + 2 * GIB)).isEqualTo("granted " + 2 * GIB));
  }

  @Test
  void aUsagePageCutShortHarmsOnlyItsTenant() {
    Talker member = raw(hostile);
    member.say("hello");
    long before = agent.stats().samples();
    assertThat(member.say("truncate")).isEqualTo("ok");
    Eventually.soon(() -> assertThat(agent.stats().samples()).isGreaterThan(before + 4));
    assertThat(view("hostile").reportedBytes()).isZero();
    assertNeighbourIsFine();
    member.kill();
    Eventually.soon(() -> assertThat(view("hostile").processes()).isEmpty());
    assertNeighbourIsFine();
  }

  /** A process that has been seen as a descendant, with everybody between it and the root gone. */
  private Talker orphan() throws Exception {
    String script =
        "cd \"$1\"; mkfifo in out end; exec 3<&0;"
            + " (\"$3\" \"$2\" <in >out & read -r _ <end) & cat <&3 >in & exec cat out";
    Path fifos = Files.createTempDirectory(options.stateDir().getParent(), "orphan");
    Talker daemon =
        talk(
            Map.of(),
            Path.of("/bin/sh"),
            "-c",
            script,
            "sh",
            fifos.toString(),
            hostile.directory(),
            CProgram.of("raw_tenant").toString());
    ProcFs proc = ProcFs.system();
    int pid = Integer.parseInt(daemon.say("pid"));
    ProcessId parent = proc.stat(proc.stat(pid).orElseThrow().parentPid()).orElseThrow().id();
    for (int ticks = 0; ticks < 3; ticks++) {
      long heartbeat = heartbeat();
      Eventually.soon(() -> assertThat(heartbeat()).isGreaterThan(heartbeat));
    }
    Files.writeString(fifos.resolve("end"), "\n");
    Eventually.soon(() -> assertThat(proc.isAlive(parent)).isFalse());
    return daemon;
  }

  /** When the agent looked at the tenant's processes last, or was about to. */
  private long heartbeat() throws IOException {
    byte[] page = Files.readAllBytes(Path.of(hostile.directory(), "control"));
    return ByteBuffer.wrap(page).order(ByteOrder.LITTLE_ENDIAN).getLong(16);
  }

  @Test
  void aDaemonWhoseParentsAreGoneStaysAMember() {
    // Again where the agent happened not to look while the parents lived: it looks less often when
    // it is slow.
    Eventually.soon(
        () -> {
          Talker daemon = orphan();
          int pid = Integer.parseInt(daemon.say("pid"));
          assertThat(daemon.say("hello")).startsWith("welcome ");
          assertThat(view("hostile").processes()).extracting(ProcessView::pid).contains(pid);
          daemon.tell("quit");
        });
    Eventually.soon(() -> assertThat(view("hostile").processes()).isEmpty());
  }

  @Test
  void byeGivesTheSlotBackWhileTheProcessLives() {
    Talker member = raw(hostile);
    member.say("hello");
    assertThat(member.say("bye")).isEqualTo("granted 0");
    assertThat(view("hostile").processes()).isEmpty();
    assertThat(member.say("ask 0 1")).startsWith("refused 6 ");
    assertThat(member.say("hello")).startsWith("welcome 0 ");
  }

  @Test
  void refusalsOfDeadProcessesStillCount() {
    Talker member = raw(hostile);
    member.say("hello");
    member.say("refusals 5");
    assertThat(view("hostile").refusals()).isEqualTo(5);
    member.kill();
    Eventually.soon(
        () -> {
          assertThat(view("hostile").processes()).isEmpty();
          assertThat(view("hostile").refusals()).isEqualTo(5);
        });
  }

  @Test
  void anEndedTenantHoldsNothingNewAndGoesWithItsLastProcess() throws Exception {
    Talker member = raw(hostile);
    member.say("hello");
    member.say("use 0 " + GIB);
    end("hostile");
    assertThat(view("hostile").state()).isEqualTo("ending");
    assertThat(member.say("state")).isEqualTo("2");
    assertThat(member.say("credit 0")).isEqualTo(Long.toString(GIB));
    assertThat(member.say("ask 0 " + (GIB + 1))).startsWith("refused 7 ");
    assertThat(raw(hostile).say("hello")).startsWith("refused 7 ");
    assertThat(device().allocatedBytes()).as("what it holds is still allocated").isEqualTo(4 * GIB);
    member.kill();
    Eventually.soon(() -> assertThat(exists("hostile")).isFalse());
    Eventually.soon(() -> assertThat(device().allocatedBytes()).isEqualTo(2 * GIB));
  }

  @Test
  void siblingsTakeTurnsWithoutEverPassingTheLimit() {
    Talker first = raw(hostile);
    Talker second = raw(hostile);
    first.say("hello");
    second.say("hello");
    first.say("use 0 " + 512 * MIB);
    assertThat(first.say("credit 0")).isEqualTo(Long.toString(2 * GIB));
    assertThat(second.say("ask 0 " + GIB)).startsWith("granted ");
    long sum = Long.parseLong(first.say("credit 0")) + Long.parseLong(second.say("credit 0"));
    assertThat(sum).isLessThanOrEqualTo(2 * GIB);
    assertThat(second.say("ask 0 " + (2 * GIB - 512 * MIB)))
        .isEqualTo("granted " + (2 * GIB - 512 * MIB));
    assertThat(second.say("ask 0 " + (2 * GIB - 511 * MIB))).startsWith("refused 1 ");
    assertThat(view("hostile").processes())
        .extracting(ProcessView::pid)
        .containsExactly(first.pid(), second.pid());
  }
}
