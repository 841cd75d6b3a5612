package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.aliquot.agent.page.PageLayout;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.plugin.node.Grant;
import dev.aliquot.plugin.node.NotYetException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Pods' folders on a file system of their own that has room for one container's, and is full. */
class FullPodsFolderTest extends PodFixture {
  private Path pods;

  @BeforeEach
  void mount() throws Exception {
    pods = options.stateDir().resolve("pods");
    assumeTrue(
        run("mount", "-t", "tmpfs", "-o", "size=900k,mode=0700,nosuid,nodev,noexec", "t", pods),
        "no file system can be mounted here");
  }

  @AfterEach
  void unmount() throws Exception {
    run("umount", "-l", pods);
  }

  private static boolean run(Object... command) throws IOException, InterruptedException {
    String[] words = new String[command.length];
    for (int at = 0; at < words.length; at++) {
      words[at] = command[at].toString();
    }
    return new ProcessBuilder(words).inheritIO().start().waitFor() == 0;
  }

  @Test
  void aContainerWaitsWhereTheFolderIsFullAndTheOthersGoOn() throws Exception {
    Grant web = grant(1, 25);
    Grant late = grant(2, 25);
    node.bind(web, container("web-1", POD, "app"));
    Talker server = cuda(web, POD, id(1));
    assertThat(server.say("init")).isEqualTo(SUCCESS);
    assertThatThrownBy(() -> node.bind(late, container("web-2", OTHER_POD, "app")))
        .isInstanceOf(NotYetException.class)
        .hasMessageContaining("files cannot be made in " + pods)
        .hasMessageContaining("No space left");
    assertThat(pods.resolve(late.key())).doesNotExist();
    assertThat(server.say("alloc " + GIB)).isEqualTo(SUCCESS);
    assertThat(server.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);

    assertThat(run("mount", "-o", "remount,size=4m", pods)).isTrue();
    node.bind(late, container("web-2", OTHER_POD, "app"));
    assertThat(cuda(late, OTHER_POD, id(2)).say("init")).isEqualTo(SUCCESS);
  }

  @Test
  void whatAContainerWritesBeyondItsPageIsTakenAwayAgain() throws Exception {
    assertThat(run("mount", "-o", "remount,size=4m", pods)).isTrue();
    Grant web = grant(1, 25);
    node.bind(web, container("web-1", POD, "app"));
    Talker server = cuda(web, POD, id(1));
    assertThat(server.say("init")).isEqualTo(SUCCESS);
    Path page = pods.resolve(web.key()).resolve("usage");
    Talker hostile =
        sandbox.start(
            sandbox.group(POD, id(1)),
            node.injection(web),
            "sh",
            "-c",
            "head -c 8M /dev/zero >> /run/aliquot/tenant/usage || echo full");
    assertThat(hostile.answer()).as("of a file system of 4 MiB").isEqualTo("full");
    Eventually.soon(() -> assertThat(Files.size(page)).isEqualTo(PageLayout.USAGE_PAGE_BYTES));
    node.bind(grant(2, 25), container("web-2", OTHER_POD, "app"));
    assertThat(server.say("alloc " + GIB)).isEqualTo(SUCCESS);
    assertThat(server.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
  }
}
