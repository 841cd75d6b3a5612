package dev.aliquot.cli;

import dev.aliquot.agent.config.Durations;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.cli.client.AgentClient;
import dev.aliquot.cli.client.CommandFailure;
import dev.aliquot.cli.client.ExitCode;
import dev.aliquot.cli.client.StateDirOption;
import dev.aliquot.cli.screen.NodePicture;
import dev.aliquot.cli.screen.Terminal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** A live picture of the node. */
@Command(
    description = {
      "A live picture of devices, tenants and processes, redrawn in place.",
      "Keys: q ends it, p shows or hides the processes, any other key redraws at once."
    },
    footer = {
      "",
      "Examples:",
      "  aliquot top",
      "  aliquot top --every 250ms",
      "  aliquot top --once"
    })
final class TopCommand implements Callable<Integer> {
  private static final int PLAIN_COLUMNS = 120;

  @Mixin private StateDirOption state = new StateDirOption();

  @Option(
      names = "--once",
      description = "Print the picture once and end; for terminals that cannot redraw.")
  private boolean once;

  @Option(
      names = "--every",
      paramLabel = "TIME",
      description = "How often it is redrawn, such as 500ms (default: 1s).")
  private String every = "1s";

  @Override
  public Integer call() throws CommandFailure, InterruptedException {
    Duration period = period();
    Map<String, String> environment = System.getenv();
    AgentClient agent = state.agent();
    NodeView first = agent.node();
    NodePicture picture =
        new NodePicture(Terminal.colours(environment), Terminal.hasUnicode(environment));
    Terminal terminal = once || !Terminal.canRedraw(environment) ? null : Terminal.take();
    if (terminal == null) {
      int columns = Terminal.canRedraw(environment) ? Terminal.size()[0] : PLAIN_COLUMNS;
      var out = Terminal.utf8Out();
      picture.lines(first, columns, true).forEach(out::println);
      out.flush();
      return ExitCode.OK;
    }
    try (terminal) {
      redraw(terminal, picture, agent, first, period);
    }
    return ExitCode.OK;
  }

  private void redraw(
      Terminal terminal, NodePicture picture, AgentClient agent, NodeView first, Duration period)
      throws InterruptedException {
    boolean processes = true;
    @Nullable NodeView node = first;
    String lost = "";
    while (true) {
      int[] size = Terminal.size();
      List<String> lines =
          new ArrayList<>(node == null ? List.of() : picture.lines(node, size[0], processes));
      lines.add("");
      lines.add(lost.isEmpty() ? "q quit   p processes" : lost + "   q quit");
      terminal.draw(lines, size[0], size[1]);
      int key = terminal.key(period.toMillis());
      if (key == 'q' || key == 'Q') {
        return;
      }
      if (key == 'p') {
        processes = !processes;
      }
      try {
        node = agent.node();
        lost = "";
      } catch (CommandFailure e) {
        lost = String.valueOf(e.getMessage());
      }
    }
  }

  private Duration period() throws CommandFailure {
    try {
      Duration period = Durations.parse(every);
      if (period.compareTo(Duration.ofMillis(100)) >= 0
          && period.compareTo(Duration.ofMinutes(10)) <= 0) {
        return period;
      }
      throw new CommandFailure(
          ExitCode.USAGE, "--every: '" + every + "' is not a duration from 100ms to 10m");
    } catch (IllegalArgumentException e) {
      throw new CommandFailure(ExitCode.USAGE, "--every: " + e.getMessage());
    }
  }
}
