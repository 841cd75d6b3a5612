package dev.aliquot.cli.screen;

import dev.aliquot.agent.view.KubeletView;
import dev.aliquot.agent.view.NodeView;
import java.util.ArrayList;
import java.util.List;

/** What the kubelet has of the node's devices, as lines of text. */
public final class KubeletLines {
  private KubeletLines() {}

  /** None where no kubelet is served. */
  public static List<String> of(NodeView node) {
    KubeletView kubelet = node.kubelet();
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
