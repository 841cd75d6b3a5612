package dev.aliquot.cli.health;

import dev.aliquot.cli.client.CommandFailure;
import dev.aliquot.cli.client.ExitCode;
import dev.aliquot.cli.client.StateDirOption;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Says that a device is well. */
@Command(
    name = "clear",
    description = "Take back what faults have made of a device.",
    footer = {
      "",
      "What the device says of itself still counts: one that the driver wants reset stays out."
    })
final class ClearCommand implements Callable<Integer> {
  @Mixin private StateDirOption state = new StateDirOption();

  @Parameters(index = "0", paramLabel = "DEVICE", description = "Its index or UUID.")
  private String device = "";

  @Override
  public Integer call() throws CommandFailure {
    state.agent().clearDevice(device);
    return ExitCode.OK;
  }
}
