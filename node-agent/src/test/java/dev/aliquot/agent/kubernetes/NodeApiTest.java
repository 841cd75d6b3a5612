package dev.aliquot.agent.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.health.node.Fleet;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NodeApiTest extends ClusterFixture {
  @TempDir private Path folder;

  @AfterEach
  void clearProperties() {
    System.getProperties().keySet().removeIf(key -> key.toString().startsWith("kubernetes."));
  }

  /** A service account's token lives for an hour, and the kubelet replaces the file. */
  @Test
  void aTokenThatHasBeenReplacedIsReadAgain() throws Exception {
    Path token = Files.writeString(folder.resolve("token"), "first");
    Map.of(
            "kubernetes.master", server.url(),
            "kubernetes.auth.tryKubeConfig", "false",
            "kubernetes.auth.serviceAccount.token", token.toString())
        .forEach(System::setProperty);
    api = NodeApi.open(NODE, new ApiClock(() -> Instant.EPOCH, () -> nanos));
    server.token = "first";
    assertThat(api.node()).isPresent();
    Files.writeString(token, "second");
    server.token = "second";
    assertThat(api.node()).isPresent();
  }

  @Test
  void allNodesAreCountedHoweverManyThereAre() {
    for (int i = 0; i < 120; i++) {
      addPeer("peer-" + i, i % 4 != 0);
    }
    start(TELL);
    assertThat(api.fleet(NodeParts.HEALTH_LABEL)).isEqualTo(new Fleet(121, 30));
    assertThat(server.requests().stream().filter(each -> each.path().endsWith("/nodes")))
        .hasSize(3);
  }
}
