package dev.aliquot.cli;

import dev.aliquot.agent.config.ByteSize;
import dev.aliquot.agent.config.Percent;
import dev.aliquot.cli.client.CommandFailure;
import dev.aliquot.cli.client.ExitCode;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How much of a device: request and limit, as a size or as a part of the capacity. */
final class ShareOptions {
  @Option(
      names = "--gpu-memory",
      paramLabel = "SIZE",
      description = "Memory guaranteed on each device, such as 4GiB or 4000MB.")
  private @Nullable String memory;

  @Option(
      names = "--gpu-fraction",
      paramLabel = "PERCENT",
      description = "The same as a part of each device's capacity, 1 to 100.")
  private @Nullable String fraction;

  @Option(
      names = "--gpu-memory-limit",
      paramLabel = "SIZE",
      description =
          "The most it may hold: what lies above the guarantee is lent while nobody needs it"
              + " (default: the guarantee).")
  private @Nullable String memoryLimit;

  @Option(
      names = "--gpu-fraction-limit",
      paramLabel = "PERCENT",
      description = "The same as a part of each device's capacity, 1 to 100.")
  private @Nullable String fractionLimit;

  boolean hasRequest() {
    return memory != null || fraction != null;
  }

  boolean isEmpty() {
    return !hasRequest() && memoryLimit == null && fractionLimit == null;
  }

  /**
   * Puts what was given into a request to the agent.
   *
   * @throws CommandFailure that names the option and what is allowed
   */
  void putInto(Map<String, Object> request) throws CommandFailure {
    put(
        request,
        "--gpu-memory",
        memory,
        "memoryBytes",
        "--gpu-fraction",
        fraction,
        "fractionPercent");
    put(
        request,
        "--gpu-memory-limit",
        memoryLimit,
        "memoryLimitBytes",
        "--gpu-fraction-limit",
        fractionLimit,
        "fractionLimitPercent");
  }

  private static void put(
      Map<String, Object> request,
      String sizeOption,
      @Nullable String size,
      String sizeField,
      String percentOption,
      @Nullable String percent,
      String percentField)
      throws CommandFailure {
    if (size != null && percent != null) {
      throw new CommandFailure(
          ExitCode.USAGE,
          sizeOption + " and " + percentOption + " exclude each other; give one of them");
    }
    try {
      if (size != null) {
        long bytes = ByteSize.parse(size);
        if (bytes == 0) {
          throw new IllegalArgumentException("'" + size + "' is nothing; give a size such as 4GiB");
        }
        request.put(sizeField, bytes);
      } else if (percent != null) {
        request.put(percentField, Percent.parseFraction(percent));
      }
    } catch (IllegalArgumentException e) {
      throw new CommandFailure(
          ExitCode.USAGE, (size != null ? sizeOption : percentOption) + ": " + e.getMessage());
    }
  }
}
