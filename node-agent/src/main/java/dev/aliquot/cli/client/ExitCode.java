package dev.aliquot.cli.client;

/**
 * Exit codes of the command; those of a tenant's own command pass through {@code run} unchanged.
 */
public final class ExitCode {
  public static final int OK = 0;

  /** What was asked could not be done. */
  public static final int FAILED = 1;

  /** The command line or the configuration is wrong. */
  public static final int USAGE = 2;

  /** No agent is running there. */
  public static final int NO_AGENT = 69;

  /** This user may not. */
  public static final int NOT_PERMITTED = 77;

  /** As a shell: the command was found but cannot be run. */
  public static final int NOT_EXECUTABLE = 126;

  /** As a shell: there is no such command. */
  public static final int NOT_FOUND = 127;

  private ExitCode() {}
}
