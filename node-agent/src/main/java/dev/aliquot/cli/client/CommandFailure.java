package dev.aliquot.cli.client;

/** A command cannot do what was asked: one sentence for stderr and the exit code. */
public final class CommandFailure extends Exception {
  private static final long serialVersionUID = 1L;

  private final int exitCode;

  /** With a code from {@link ExitCode}. */
  public CommandFailure(int exitCode, String sentence) {
    super(sentence);
    this.exitCode = exitCode;
  }

  /** The process's exit code. */
  public int exitCode() {
    return exitCode;
  }
}
