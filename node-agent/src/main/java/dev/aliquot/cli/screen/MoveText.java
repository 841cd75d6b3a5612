package dev.aliquot.cli.screen;

import dev.aliquot.agent.config.ByteSize;
import dev.aliquot.agent.view.MoveView;
import dev.aliquot.agent.view.SwapView;
import dev.aliquot.agent.view.TenantView;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A tenant's moves between device and host memory in words. */
public final class MoveText {
  private MoveText() {}

  /** The last move each way with the rate of its copies; a dash where there was none. */
  public static String last(SwapView swap) {
    String out = part("out", swap.lastOut());
    String in = part("in", swap.lastIn());
    return out.isEmpty() && in.isEmpty() ? "-" : (out + " " + in).strip();
  }

  /**
   * The state, with the priority where it is not normal, and the reason why the tenant did not
   * leave when it was last to.
   */
  public static String state(TenantView tenant) {
    String stays = tenant.swap().stays();
    String priority = tenant.priority();
    return tenant.state()
        + (priority.equals("normal") ? "" : ", " + priority + " priority")
        + (stays.isEmpty() ? "" : ", stays: " + stays);
  }

  private static String part(String way, @Nullable MoveView move) {
    return move == null
        ? ""
        : "%s %s in %s%s"
            .formatted(way, ByteSize.shortText(move.bytes()), time(move.seconds()), rate(move));
  }

  private static String time(double seconds) {
    return seconds < 1
        ? Math.round(seconds * 1e3) + "ms"
        : String.format(Locale.ROOT, "%.1fs", seconds);
  }

  private static String rate(MoveView move) {
    return move.bytesPerSecond() <= 0
        ? ""
        : String.format(Locale.ROOT, " (%.1fGB/s)", move.bytesPerSecond() / 1e9);
  }
}
