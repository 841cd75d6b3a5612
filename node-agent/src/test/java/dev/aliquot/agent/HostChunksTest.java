package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.config.KeeperPolicy;
import dev.aliquot.agent.http.Json;
import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.HostPoolView;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.agent.view.TenantGrant;
import dev.aliquot.agent.view.TenantSpec;
import dev.aliquot.residency.SwapMode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Host chunks between the real agent and processes that speak the protocol, over real sockets, on
 * the simulated driver. Each tenant's root is its first process. Two have borrowed all they may,
 * and give nothing of it back to a third, which waits for it.
 */
class HostChunksTest extends AgentFixture {
  private static final long CHUNK = 64 * MIB;
  private static final long POOL = 16 * CHUNK;
  private static final long MAY_BORROW = 4 * CHUNK;
  private static final String NO_DEMAND = "-1";

  private Talker a;
  private Talker b;
  private Talker owner;
  private Talker serving;
  private long ownersRequest;
  private TenantGrant ofA;
  private TenantGrant ofB;

  private record Chunk(String id, long bytes, String inode) {}

  @BeforeEach
  void twoTenantsThatBorrow() throws Exception {
    a = talk(Map.of(), CProgram.of("chunk_tenant"));
    b = talk(Map.of(), CProgram.of("chunk_tenant"));
    owner = talk(Map.of(), CProgram.of("chunk_tenant"));
    ownersRequest = device().capacityBytes() - 2 * GIB;
    ofA = agent.createTenant(staying("a", a.pid()), peer(a.pid()));
    ofB = agent.createTenant(staying("b", b.pid()), peer(b.pid()));
    TenantGrant ofOwner =
        agent.createTenant(spec("owner", ownersRequest, owner.pid()), peer(owner.pid()));
    agent.close();
    mayBorrow(ofA);
    mayBorrow(ofB);
    serving = serve();
    assertThat(a.say("enter " + ofA.directory())).isEqualTo("ok");
    assertThat(b.say("enter " + ofB.directory())).isEqualTo("ok");
    assertThat(owner.say("enter " + ofOwner.directory())).isEqualTo("ok");
    for (Talker borrower : List.of(a, b)) {
      assertThat(borrower.say("hello")).startsWith("welcome 0 ");
      // what can be lent is known after a moment
      Eventually.soon(
          () ->
              assertThat(borrower.say("ask 0 " + (GIB + MAY_BORROW)))
                  .isEqualTo("granted " + (GIB + MAY_BORROW)));
      assertThat(borrower.say("hold 0 " + (GIB + MAY_BORROW))).isEqualTo("ok");
    }
    assertThat(owner.say("hello")).startsWith("welcome 0 ");
    demand();
  }

  /** Nothing but what is lent has to move out of the way. */
  private static TenantSpec staying(String name, int pid) {
    return spec(name, GIB, pid).withSwap(SwapMode.NEVER);
  }

  /** The owner waits for its own, for longer than a test takes. */
  private void demand() {
    owner.tell("ask 0 " + ownersRequest);
    Eventually.soon(
        () -> {
          assertThat(a.say("resident 0")).isNotEqualTo(NO_DEMAND);
          assertThat(b.say("resident 0")).isNotEqualTo(NO_DEMAND);
        });
  }

  private void mayBorrow(TenantGrant grant) throws IOException {
    Path record = options.stateDir().resolve("registry/" + grant.id() + ".json");
    String text = Files.readString(record);
    String lent =
        text.replaceFirst(
            "(\"limitBytes\"\\s*:\\s*)" + GIB, "$1" + Long.toString(GIB + MAY_BORROW));
    assertThat(lent).isNotEqualTo(text);
    Files.writeString(record, lent);
  }

  private static Chunk take(Talker tenant, long bytes) {
    String answer = tenant.say("take 0 " + bytes);
    assertThat(answer).startsWith("chunk ");
    String[] words = answer.split(" ");
    assertThat(Long.parseLong(words[2])).isEqualTo(bytes);
    return new Chunk(words[1], bytes, words[3]);
  }

  private Talker serve() {
    return serve("-");
  }

  private Talker serve(String cudaLibrary) {
    Talker process =
        serveApart(
            options.stateDir().toString(),
            String.valueOf(options.libraryDir()),
            String.valueOf(options.simulate()),
            Long.toString(POOL),
            cudaLibrary,
            KeeperPolicy.REPORT.name(),
            "600");
    assertThat(process.answer()).isEqualTo("serving 3");
    return process;
  }

  private NodeView node() throws IOException {
    return Json.read(serving.say("view").getBytes(StandardCharsets.UTF_8), NodeView.class);
  }

  private HostPoolView pool() throws IOException {
    return node().hostPool();
  }

  private boolean isServed(String name) throws IOException {
    return node().tenants().stream().anyMatch(tenant -> tenant.name().equals(name));
  }

  /** The inodes of all chunks that the agent has a descriptor of. */
  private List<String> descriptors() throws IOException {
    List<String> inodes = new ArrayList<>();
    try (DirectoryStream<Path> all =
        Files.newDirectoryStream(Path.of("/proc/" + serving.pid() + "/fd"))) {
      for (Path each : all) {
        try {
          if (Files.readSymbolicLink(each).toString().startsWith("/memfd:aliquot-sim-chunk")) {
            inodes.add(Files.getAttribute(each, "unix:ino").toString());
          }
        } catch (IOException e) {
          // Closed meanwhile.
        }
      }
    }
    return inodes;
  }

  /** The driver keeps one for each chunk; any other has been forgotten. */
  private void assertNoDescriptorIsForgotten() {
    Eventually.soon(
        () ->
            assertThat(descriptors()).doesNotHaveDuplicates().hasSize(chunks(pool().madeBytes())));
  }

  private static int chunks(long bytes) {
    return (int) (bytes / CHUNK);
  }

  @Test
  void aChunkIsTakenUsedThroughTheDriverAndGivenBack() throws IOException {
    Chunk chunk = take(a, CHUNK);
    assertThat(a.say("host_bytes")).isEqualTo(Long.toString(CHUNK));
    assertThat(a.say("write " + chunk.id() + " hello")).isEqualTo("0");
    assertThat(a.say("read " + chunk.id())).isEqualTo("data hello");
    assertThat(pool().takenBytes()).isEqualTo(CHUNK);
    assertThat(pool().available()).isTrue();
    assertNoDescriptorIsForgotten();
    assertThat(a.say("return " + chunk.id())).isEqualTo("granted 0");
    assertThat(a.say("drop " + chunk.id())).isEqualTo("ok");
    assertThat(a.say("host_bytes")).isEqualTo("0");
    assertThat(pool().idleBytes()).isEqualTo(CHUNK);
    Chunk again = take(a, CHUNK);
    assertThat(again.inode()).isEqualTo(chunk.inode());
    assertThat(again.id()).isNotEqualTo(chunk.id());
    assertThat(a.say("read " + again.id())).isEqualTo("data hello");
    Chunk small = take(a, 2 * MIB);
    assertThat(a.say("write " + small.id() + " small")).isEqualTo("0");
    assertThat(a.say("host_bytes")).isEqualTo(Long.toString(CHUNK + 2 * MIB));
  }

  @Test
  void aChunkInHandIsOpenedAgainAndNoOther() throws IOException {
    Chunk chunk = take(a, CHUNK);
    assertThat(a.say("write " + chunk.id() + " hello")).isEqualTo("0");
    String[] again = a.say("reopen " + chunk.id()).split(" ");
    assertThat(again[0]).isEqualTo("chunk");
    assertThat(again[1]).isEqualTo(chunk.id());
    assertThat(again[3]).as("the same memory").isEqualTo(chunk.inode());
    assertThat(a.say("host_bytes")).isEqualTo(Long.toString(CHUNK));
    assertThat(pool().takenBytes()).isEqualTo(CHUNK);
    assertNoDescriptorIsForgotten();
    for (String none : List.of("0", "1", "18446744073709551615")) {
      assertThat(a.say("reopen " + none)).startsWith("refused 9 this process has no chunk " + none);
    }
    take(b, CHUNK);
    assertThat(b.say("reopen " + chunk.id())).as("another tenant's").startsWith("refused 9 ");
    assertThat(a.say("return " + chunk.id())).isEqualTo("granted 0");
    assertThat(a.say("reopen " + chunk.id())).as("given back").startsWith("refused 9 ");
    String[] own = a.say("hello").split(" ");
    assertThat(a.say("as 7 3")).isEqualTo("ok");
    assertThat(a.say("reopen " + chunk.id())).startsWith("refused 6 ");
    assertThat(a.say("as " + own[1] + " " + own[2])).isEqualTo("ok");
  }

  @Test
  void nobodyGetsWhatAnotherTenantHasHadWhileThatLives() throws IOException {
    Chunk secret = take(a, CHUNK);
    assertThat(a.say("write " + secret.id() + " secret")).isEqualTo("0");
    int keeper = Integer.parseInt(a.say("keeper"));
    assertThat(a.say("return " + secret.id())).isEqualTo("granted 0");
    assertThat(a.say("read " + secret.id())).as("it kept a descriptor").isEqualTo("data secret");

    Set<String> inodes = new HashSet<>();
    String answer = b.say("take 0 " + CHUNK);
    while (answer.startsWith("chunk ")) {
      String[] words = answer.split(" ");
      assertThat(inodes.add(words[3])).isTrue();
      assertThat(b.say("read " + words[1])).isEqualTo("data ");
      assertThat(b.say("write " + words[1] + " mine")).isEqualTo("0");
      answer = b.say("take 0 " + CHUNK);
    }
    assertThat(answer).startsWith("refused 9 this tenant has 268435456 bytes of host chunks");
    assertThat(inodes).hasSize(4).doesNotContain(secret.inode());
    assertThat(a.say("read " + secret.id())).isEqualTo("data secret");

    a.kill();
    Eventually.soon(() -> assertThat(node().tenants().getFirst().processes()).isEmpty());
    assertThat(ProcessHandle.of(keeper)).isPresent();
    assertThat(isServed("a")).as("its keeper lives").isTrue();
    assertThat(descriptors()).as("and so its chunk is its own").contains(secret.inode());
    assertThat(b.say("take 0 " + CHUNK)).startsWith("refused 9 ");

    ProcessHandle.of(keeper).orElseThrow().destroyForcibly();
    Eventually.soon(
        () -> {
          assertThat(isServed("a")).isFalse();
          assertThat(pool().madeBytes()).isEqualTo(MAY_BORROW);
          assertThat(descriptors()).as("destroyed").doesNotContain(secret.inode());
        });
    b.kill();
    Eventually.soon(
        () -> {
          assertThat(pool().madeBytes()).isZero();
          assertThat(descriptors()).isEmpty();
        });
  }

  @Test
  void whatIsNotOnesOwnIsRefusedOrChangesNothing() throws IOException {
    Chunk ofA1 = take(a, CHUNK);
    String welcomeA = a.say("hello");
    Chunk ofB1 = take(b, CHUNK);
    assertThat(b.say("return " + ofA1.id())).isEqualTo("granted 0");
    assertThat(b.say("return 0")).isEqualTo("granted 0");
    assertThat(b.say("return 18446744073709551615")).isEqualTo("granted 0");
    assertThat(a.say("host_bytes")).isEqualTo(Long.toString(CHUNK));
    assertThat(b.say("host_bytes")).isEqualTo(Long.toString(CHUNK));
    assertThat(pool().idleBytes()).isZero();
    String[] own = b.say("hello").split(" ");
    for (String foreign : List.of("as 1 3", "as 0 1", "as 4294967295 " + own[2])) {
      assertThat(b.say(foreign)).isEqualTo("ok");
      assertThat(b.say("take 0 " + CHUNK)).startsWith("refused 6 ");
      assertThat(b.say("return " + ofB1.id())).startsWith("refused 6 ");
    }
    assertThat(b.say("hello")).isEqualTo(String.join(" ", own));
    assertThat(b.say("take 1 " + CHUNK)).startsWith("refused 3 this tenant has no device 1");
    assertThat(b.say("take 0 0")).startsWith("refused 9 a host chunk has from 1 to 67108864");
    assertThat(b.say("take 0 1")).isEqualTo("refused 9 " + notAMultiple("1"));
    assertThat(b.say("take 0 67108863")).isEqualTo("refused 9 " + notAMultiple("67108863"));
    assertThat(b.say("take 0 67108865")).endsWith("bytes, not 67108865");
    assertThat(b.say("take 0 18446744073709551615")).endsWith("not 18446744073709551615");
    assertThat(a.say("hello")).isEqualTo(welcomeA);
    assertThat(a.say("return " + ofA1.id())).isEqualTo("granted 0");
    assertThat(pool().idleBytes()).isEqualTo(CHUNK);
    assertThat(pool().madeBytes()).isEqualTo(2 * CHUNK);
    assertThat(pool().refusals()).isEqualTo(5);
  }

  private static String notAMultiple(String bytes) {
    return "a host chunk is a multiple of 2097152 bytes, which " + bytes + " is not";
  }

  @Test
  void aProcessOfWhichNothingIsWantedBackGetsNoNewChunk() throws IOException {
    Chunk chunk = take(a, CHUNK);
    assertThat(a.say("return " + chunk.id())).isEqualTo("granted 0");
    owner.kill();
    Eventually.soon(() -> assertThat(a.say("resident 0")).isEqualTo(NO_DEMAND));
    assertThat(b.say("take 0 " + CHUNK))
        .startsWith("refused 9 no more than 0 bytes of host chunks are made for this process");
    take(a, CHUNK);
    assertThat(a.say("take 0 " + CHUNK)).as("it has one already").startsWith("refused 9 no more ");
    assertThat(pool().madeBytes()).isEqualTo(CHUNK);
  }

  @Test
  void aProcessGetsAPieceMoreThanIsWantedBackHoweverMuchItMayBorrow() throws IOException {
    assertThat(serving.say("resize a " + GIB + " " + (GIB + POOL))).isEqualTo("ok");
    for (long taken = 0; taken < MAY_BORROW + CHUNK; taken += CHUNK) {
      take(a, CHUNK);
    }
    assertThat(a.say("take 0 " + CHUNK)).startsWith("refused 9 no more than 335544320 bytes ");
    for (long taken = 0; taken < MAY_BORROW; taken += CHUNK) {
      take(b, CHUNK);
    }
    assertThat(pool().takenBytes()).isEqualTo(2 * MAY_BORROW + CHUNK);
  }

  @Test
  void takingAndReturningInALoopGetsNoMoreThanTheBound() throws IOException {
    Set<String> inodes = new HashSet<>();
    for (int round = 0; round < 30; round++) {
      List<Chunk> held = new ArrayList<>();
      for (int i = 0; i < 1 + round % 4; i++) {
        Chunk chunk = take(a, CHUNK);
        inodes.add(chunk.inode());
        held.add(chunk);
      }
      held.forEach(chunk -> assertThat(a.say("return " + chunk.id())).isEqualTo("granted 0"));
    }
    assertThat(inodes).as("the tenant kept a descriptor of each").hasSize(4);
    assertThat(pool().madeBytes()).isEqualTo(MAY_BORROW);
    assertThat(a.say("take 0 " + 2 * MIB)).startsWith("refused 9 this tenant has 268435456 bytes");
    assertNoDescriptorIsForgotten();
    take(b, CHUNK);
  }

  @Test
  void aPeerThatLeavesOrDoesNotReadCostsNoDescriptor() throws IOException {
    for (int i = 0; i < 30; i++) {
      assertThat(a.say("take_and_leave 0 " + CHUNK)).isEqualTo("ok");
      a.say("flood " + CHUNK + " 50");
    }
    Eventually.soon(
        () -> assertThat(Integer.parseInt(serving.say("malformed"))).isGreaterThanOrEqualTo(30));
    take(b, CHUNK);
    assertThat(pool().madeBytes()).isLessThanOrEqualTo(MAY_BORROW + CHUNK);
    assertNoDescriptorIsForgotten();
    a.kill();
    Eventually.soon(() -> assertThat(pool().madeBytes()).isEqualTo(CHUNK));
    assertNoDescriptorIsForgotten();
  }

  @Test
  void anEndedTenantMayOnlyGiveBack() throws IOException {
    Chunk chunk = take(a, CHUNK);
    assertThat(serving.say("end a")).isEqualTo("ok");
    assertThat(a.say("take 0 " + CHUNK)).startsWith("refused 7 ");
    assertThat(a.say("return " + chunk.id())).isEqualTo("granted 0");
    assertThat(pool().idleBytes()).isEqualTo(CHUNK);
    a.kill();
    Eventually.soon(() -> assertThat(pool().madeBytes()).isZero());
  }

  @Test
  void anAgentThatStopsLeavesChunksToTheirHoldersAndTheNextOneCountsThem() throws IOException {
    Chunk chunk = take(a, CHUNK);
    Chunk second = take(a, CHUNK);
    a.say("write " + chunk.id() + " lasting");
    assertThat(serving.say("close")).isEqualTo("ok");
    assertThat(descriptors()).isEmpty();
    serving.kill();
    serving = serve();
    assertCarriedOnWith(chunk, second);
  }

  @Test
  void anAgentKilledWithNineLeavesThemToo() throws IOException {
    Chunk chunk = take(a, CHUNK);
    Chunk second = take(a, CHUNK);
    a.say("write " + chunk.id() + " lasting");
    serving.kill();
    assertThat(a.say("read " + chunk.id())).isEqualTo("data lasting");
    serving = serve();
    assertCarriedOnWith(chunk, second);
  }

  private void assertCarriedOnWith(Chunk chunk, Chunk second) throws IOException {
    // whichever of the two an agent that stops comes to first
    assertThat(owner.answer()).isIn("closed", "refused 8 the agent is stopping");
    demand();
    assertThat(a.say("read " + chunk.id())).isEqualTo("data lasting");
    assertThat(pool().takenBytes()).isEqualTo(2 * CHUNK);
    assertThat(pool().tenants())
        .contains(new HostPoolView.TenantShare(ofA.id(), 2 * CHUNK, 2 * CHUNK, 0));
    assertThat(a.say("host_bytes")).isEqualTo(Long.toString(2 * CHUNK));
    take(a, CHUNK);
    take(a, CHUNK);
    take(a, CHUNK); // beyond its bound, for data of the earlier agent's to move to
    assertThat(a.say("take 0 " + CHUNK)).as("they count").startsWith("refused 9 this tenant has ");
    assertThat(a.say("return " + second.id())).isEqualTo("granted 0");
    assertThat(a.say("host_bytes")).isEqualTo(Long.toString(4 * CHUNK));
    Chunk third = take(a, CHUNK);
    assertThat(a.say("read " + third.id())).isEqualTo("data ");
    assertThat(a.say("read " + chunk.id())).isEqualTo("data lasting");
    a.kill();
    Eventually.soon(() -> assertThat(pool().madeBytes()).isZero());
  }

  @Test
  void withoutADriverToOpenThereIsNoPoolAndTheAgentRunsOn() throws IOException {
    serving.kill();
    serving = serve("/none/libcuda.so.1");
    assertThat(owner.answer()).isEqualTo("closed");
    demand();
    assertThat(pool().available()).as("nobody has needed it").isTrue();
    assertThat(a.say("take 0 " + CHUNK))
        .startsWith("refused 9 the CUDA driver cannot be opened: ")
        .contains("/none/libcuda.so.1");
    assertThat(pool().available()).isFalse();
    assertThat(pool().reason()).contains("/none/libcuda.so.1");
    assertThat(a.say("hello")).startsWith("welcome 0 ");
    assertThat(node().ready()).isTrue();
    assertThat(serving.say("refused host_pool")).isEqualTo("1");
  }
}
