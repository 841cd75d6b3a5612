package dev.aliquot.cli;

import dev.aliquot.agent.config.ConfigReference;
import dev.aliquot.agent.metrics.MetricsReference;
import dev.aliquot.cli.client.ExitCode;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Prints the reference pages under {@code docs/}. */
@Command(
    description = "Print a reference page in Markdown.",
    footer = {"", "Example:", "  aliquot reference metrics > docs/metrics.md"})
final class ReferenceCommand implements Callable<Integer> {
  /** What there are pages of. */
  enum Page {
    configuration,
    metrics
  }

  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(paramLabel = "PAGE", description = "${COMPLETION-CANDIDATES}")
  private Page page = Page.configuration;

  @Override
  public Integer call() {
    String text =
        switch (page) {
          case configuration -> ConfigReference.markdown();
          case metrics -> MetricsReference.markdown();
        };
    spec.commandLine().getOut().print(text);
    spec.commandLine().getOut().flush();
    return ExitCode.OK;
  }
}
