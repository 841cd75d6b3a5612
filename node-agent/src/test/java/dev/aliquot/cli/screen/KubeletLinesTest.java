package dev.aliquot.cli.screen;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.view.KubeletView;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class KubeletLinesTest {
  private static KubeletView view(boolean registered, List<String> problems, String... holders) {
    return new KubeletView(
        "aliquot.dev/gpu-fraction",
        registered,
        registered ? "plugins_registry" : "",
        problems,
        List.of(holders).stream()
            .map(holder -> new KubeletView.GrantView("k", List.of("GPU-0"), 25, holder))
            .toList(),
        Map.of(),
        Map.of(),
        List.of(),
        0,
        0,
        0);
  }

  @Test
  void whatTheKubeletHasIsOneLine() {
    assertThat(KubeletLines.of(null)).isEmpty();
    assertThat(KubeletLines.of(view(true, List.of(), "ns/pod/main", "")))
        .containsExactly(
            "",
            "kubelet: aliquot.dev/gpu-fraction is registered (plugins_registry), 2 containers have"
                + " a share, 1 of them not started yet");
  }

  @Test
  void whatKeepsContainersWaitingIsBelowIt() {
    assertThat(KubeletLines.of(view(false, List.of("the kubelet\u0007 is away"))))
        .containsExactly(
            "",
            "kubelet: aliquot.dev/gpu-fraction is not registered, 0 containers have a share",
            "  " + Ansi.harmless("the kubelet\u0007 is away"))
        .noneMatch(line -> line.contains("\u0007"));
  }
}
