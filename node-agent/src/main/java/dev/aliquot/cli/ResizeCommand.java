package dev.aliquot.cli;

import dev.aliquot.cli.client.CommandFailure;
import dev.aliquot.cli.client.ExitCode;
import dev.aliquot.cli.client.StateDirOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Changes a tenant's share while it runs. */
@Command(
    description = "Change a running tenant's share: at once, nothing is restarted.",
    footer = {
      "",
      "What is not given stays. A larger guarantee has to be free; what the tenant holds beyond a",
      "smaller one is a loan from then on, taken back when others need it.",
      "",
      "Examples:",
      "  aliquot resize notebook --gpu-memory 8GiB",
      "  aliquot resize notebook --gpu-memory 5GiB --gpu-memory-limit 40GiB"
    })
final class ResizeCommand implements Callable<Integer> {
  @Mixin private StateDirOption state = new StateDirOption();
  @Mixin private ShareOptions share = new ShareOptions();

  @Parameters(paramLabel = "TENANT", description = "Its id or name, as aliquot status shows it.")
  private String tenant = "";

  @Override
  public Integer call() throws CommandFailure {
    if (share.isEmpty()) {
      throw new CommandFailure(
          ExitCode.USAGE,
          "say what to change: --gpu-memory, --gpu-fraction, --gpu-memory-limit or --gpu-fraction-limit");
    }
    Map<String, Object> change = new LinkedHashMap<>();
    share.putInto(change);
    state.agent().resize(tenant, change);
    return ExitCode.OK;
  }
}
