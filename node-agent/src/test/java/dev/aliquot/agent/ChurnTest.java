package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.TenantGrant;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Tenants come and go; nothing of them stays. */
class ChurnTest extends AgentFixture {
  private static final int TENANTS = 300;

  /** Sockets, pidfds and files of tenants that this process, the agent's, has open. */
  private static List<String> descriptors() throws IOException {
    List<String> open = new ArrayList<>();
    try (var files = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path file : files) {
        String target = target(file);
        if (target.startsWith("socket:")
            || target.contains("pidfd")
            || target.contains("/tenants/")) {
          open.add(target);
        }
      }
    }
    return open;
  }

  private static String target(Path descriptor) {
    try {
      return Files.readSymbolicLink(descriptor).toString();
    } catch (IOException closedMeanwhile) {
      return "";
    }
  }

  private static long mappedPages() throws IOException {
    try (var lines = Files.lines(Path.of("/proc/self/maps"))) {
      return lines.filter(line -> line.contains("/tenants/")).count();
    }
  }

  private void oneTenant(int i) throws Exception {
    TenantGrant grant = grant("short-" + i, 64 * MIB);
    try (Talker process = raw(grant)) {
      assertThat(process.say("hello")).startsWith("welcome 0 ");
      end(grant.id());
    }
  }

  @Test
  void threeHundredShortTenantsLeaveNothingBehind() throws Exception {
    oneTenant(-1);
    Eventually.soon(() -> assertThat(agent.view().tenants()).isEmpty());
    List<String> descriptors = descriptors();
    long pages = mappedPages();
    for (int i = 0; i < TENANTS; i++) {
      oneTenant(i);
    }
    Eventually.soon(
        () -> {
          assertThat(agent.view().tenants()).isEmpty();
          assertThat(mappedPages()).isEqualTo(pages);
          assertThat(descriptors()).hasSizeLessThanOrEqualTo(descriptors.size());
        });
    assertThat(device().allocatedBytes()).isZero();
    for (String folder : new String[] {"tenants", "registry"}) {
      try (var left = Files.list(options.stateDir().resolve(folder))) {
        assertThat(left).as(folder).isEmpty();
      }
    }
    assertThat(agent.stats().attaches()).isEqualTo(TENANTS + 1L);
  }
}
