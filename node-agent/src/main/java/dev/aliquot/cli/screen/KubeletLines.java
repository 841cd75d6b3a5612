package dev.aliquot.cli.screen;

import dev.aliquot.agent.view.KubeletView;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the kubelet has of the node's devices, as lines of text. */
public final class KubeletLines {
  private KubeletLines() {}

  /**
   * Lines for a reader.
   *
   * @param kubelet null: none is served, and nothing is said
   */
  public static List<String> of(@Nullable KubeletView kubelet) {
    List<String> lines = new ArrayList<>();
    if (kubelet == null) {
      return lines;
    }
    long waiting = kubelet.grants().stream().filter(grant -> grant.holder().isEmpty()).count();
    lines.add("");
    lines.add(
        "kubelet: "
            + kubelet.resource()
            + (kubelet.registered()
                ? " is registered (" + kubelet.way() + ")"
                : " is not registered")
            + ", "
            + kubelet.grants().size()
            + " containers have a share"
            + (waiting == 0 ? "" : ", " + waiting + " of them not started yet"));
    kubelet.problems().forEach(problem -> lines.add("  " + problem));
    return lines.stream().map(Ansi::harmless).toList();
  }
}
