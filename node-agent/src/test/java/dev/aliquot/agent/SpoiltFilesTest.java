package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.aliquot.agent.page.PageLayout;
import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.TenantGrant;
import dev.aliquot.linux.Identity;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.InstantSource;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** Whatever is found in the state directory, the agent starts, and only its owner suffers. */
class SpoiltFilesTest extends AgentFixture {

  private void startAgain() throws AgentException {
    agent = Agent.start(options, InstantSource.system());
  }

  @Test
  void whatATenantLeftInItsDirectoryDoesNotKeepTheAgentFromStarting() throws Exception {
    TenantGrant kept = grant("kept", GIB);
    agent.close();
    Path tenants = options.stateDir().resolve("tenants");
    Path nobodys = Files.createDirectories(tenants.resolve("tnobody/deep/er"));
    Files.writeString(nobodys.resolve("file"), "x");
    Files.createSymbolicLink(nobodys.resolve("link"), options.stateDir().getParent());
    Files.writeString(tenants.resolve("stray"), "x");
    startAgain();
    assertThat(tenants.resolve("tnobody")).doesNotExist();
    assertThat(tenants.resolve("stray")).doesNotExist();
    assertThat(exists("kept")).isTrue();
    assertThat(Path.of(kept.directory(), "control")).exists();
  }

  @Test
  void aTenantsOwnFilesGoWithIt() throws Exception {
    TenantGrant grant = grant("messy", GIB);
    Files.writeString(Path.of(grant.directory(), "core"), "x");
    end("messy");
    Eventually.soon(() -> assertThat(Path.of(grant.directory())).doesNotExist());
  }

  @Test
  void aRecordWithoutANameCostsOnlyItsOwnTenant() throws Exception {
    TenantGrant bad = grant("bad", GIB);
    grant("good", GIB);
    agent.close();
    Path record = options.stateDir().resolve("registry/" + bad.id() + ".json");
    Files.writeString(
        record, Files.readString(record).replace("\"name\":\"bad\"", "\"name\":null"));
    startAgain();
    assertThat(exists("good")).isTrue();
    grant("another", GIB);
    assertThat(device().allocatedBytes()).isEqualTo(2 * GIB);
  }

  @Test
  void creditsThatWereNeverGivenAreCutToTheLimit() throws Exception {
    TenantGrant grant = grant("rich", GIB);
    Talker first = raw(grant);
    Talker second = raw(grant);
    first.say("hello");
    second.say("hello");
    agent.close();
    try (FileChannel page =
        FileChannel.open(Path.of(grant.directory(), "control"), StandardOpenOption.WRITE)) {
      ByteBuffer most =
          ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, Long.MAX_VALUE);
      for (int slot = 0; slot < 2; slot++) {
        page.write(most.clear(), 4096 + 256L * slot + 64);
      }
    }
    startAgain();
    assertThat(view("rich").creditBytes()).isBetween(0L, GIB);
    assertThat(second.say("ask 0 " + 2 * GIB)).startsWith("refused 1 ");
    assertThat(second.say("ask 0 " + GIB)).isEqualTo("granted " + GIB);
    assertThat(first.say("credit 0")).isEqualTo("0");
  }

  @Test
  void aUsagePageOfAnotherSizeIsPutRight() throws Exception {
    TenantGrant grant = grant("large", GIB);
    Path usage = Path.of(grant.directory(), "usage");
    try (FileChannel page = FileChannel.open(usage, StandardOpenOption.WRITE)) {
      page.write(ByteBuffer.allocate(1), 64 * MIB);
    }
    Eventually.soon(() -> assertThat(usage).hasSize(PageLayout.USAGE_PAGE_BYTES));
    assertThat(raw(grant).say("truncate")).isEqualTo("ok");
    Eventually.soon(() -> assertThat(usage).hasSize(PageLayout.USAGE_PAGE_BYTES));
    Eventually.soon(() -> assertThat(agent.stats().usagePageAnomalies()).isGreaterThanOrEqualTo(2));
    assertThat(raw(grant).say("hello")).startsWith("welcome ");
  }

  @Test
  void aCommandNamedToMoveTheCursorIsShownHarmless() throws Exception {
    TenantGrant grant = grant("painter", GIB);
    Path program =
        Files.copy(CProgram.of("raw_tenant"), options.stateDir().resolveSibling("\u001b[2J\nevil"));
    assertThat(talk(Map.of(), program, grant.directory()).say("hello")).startsWith("welcome ");
    assertThat(view("painter").processes().getFirst().command()).isEqualTo("?[2J?evil");
  }

  @Test
  void onlyTheTenantsUserCanUseUpItsConnections() throws Exception {
    Path socket = Path.of(grant("mine", GIB).directory(), "agent.sock");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
        .isEqualTo("rw-------");
    assertThat(Files.getAttribute(socket, "unix:uid")).isEqualTo(Identity.effectiveUserId());
  }

  @Test
  void aStateDirectoryBehindALinkOfAnotherUserIsRefused() throws Exception {
    Assumptions.assumeTrue(Identity.effectiveUserId() == 0, "links of other users need root");
    Path link = options.stateDir().resolveSibling("planted");
    Files.createSymbolicLink(link, options.stateDir());
    Process chown = new ProcessBuilder("chown", "-h", "4242", link.toString()).start();
    assertThat(chown.waitFor())
        .as(new String(chown.getErrorStream().readAllBytes(), StandardCharsets.UTF_8))
        .isZero();
    AgentOptions planted = AgentOptions.defaults(link, "test").withSimulate("devices=1");
    assertThatThrownBy(() -> Agent.start(planted, InstantSource.system()).close())
        .isInstanceOf(AgentException.class)
        .hasMessageContaining("is a link made by user 4242");
  }
}
