package dev.aliquot.cli.demo;

import dev.aliquot.agent.config.ByteSize;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.agent.view.TenantView;
import dev.aliquot.cli.screen.NodePicture;
import dev.aliquot.cli.screen.Terminal;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Shows the demo's node: a picture redrawn in place on a terminal, else a line a second. Not
 * thread-safe.
 */
final class DemoScreen implements AutoCloseable {
  private static final long LINE_NANOS = 1_000_000_000L;

  private final PrintStream out;
  private final @Nullable Terminal terminal;
  private final NodePicture picture;
  private final long began = System.nanoTime();
  private long lastLine = began - LINE_NANOS;

  DemoScreen(PrintStream out, Map<String, String> environment) {
    this.out = out;
    this.terminal = Terminal.canRedraw(environment) ? Terminal.take() : null;
    this.picture = new NodePicture(Terminal.colours(environment), Terminal.hasUnicode(environment));
  }

  void show(NodeView node, List<DemoTenant> tenants) {
    if (terminal != null) {
      int[] size = Terminal.size();
      List<String> lines = new ArrayList<>(picture.lines(node, size[0], true));
      lines.add("");
      tenants.forEach(tenant -> lines.add(progress(tenant)));
      terminal.draw(lines, size[0], size[1]);
    } else if (System.nanoTime() - lastLine >= LINE_NANOS) {
      lastLine = System.nanoTime();
      List<String> parts = new ArrayList<>();
      tenants.forEach(tenant -> parts.add(line(node, tenant)));
      out.println(
          String.format(Locale.ROOT, "%5.1f s  ", (System.nanoTime() - began) / 1e9)
              + String.join("   |   ", parts));
      out.flush();
    }
  }

  private static String line(NodeView node, DemoTenant tenant) {
    String used =
        node.tenants().stream()
            .filter(t -> t.name().equals(tenant.name()))
            .findFirst()
            .map(DemoScreen::amounts)
            .orElse("not there");
    return tenant.name() + " " + used + ", " + progressText(tenant);
  }

  private static String amounts(TenantView t) {
    return ByteSize.shortText(t.usedBytes()) + " of " + ByteSize.shortText(t.limitBytes());
  }

  private static String progress(DemoTenant tenant) {
    return "%-10s %s".formatted(tenant.name(), progressText(tenant));
  }

  private static String progressText(DemoTenant tenant) {
    String rounds =
        tenant
            .last("round")
            .map(e -> e.number("n") + " rounds, " + e.number("wrong") + " wrong words")
            .orElse("starting");
    String refused =
        tenant
            .first("beyond")
            .map(e -> ", refused: " + e.values().getOrDefault("name", ""))
            .orElse("");
    return rounds + refused;
  }

  @Override
  public void close() {
    if (terminal != null) {
      terminal.close();
    }
  }
}
