package dev.aliquot.agent.view;

import org.jspecify.annotations.Nullable;

/**
 * A fault to be made for practice.
 *
 * @param device UUID or index; null: the first
 * @param code the XID
 * @param pid of the process that it is to name; null: none
 * @param message in the driver's words; null: none
 * @param dryRun only say what would be done
 */
public record DrillSpec(
    @Nullable String device,
    int code,
    @Nullable Integer pid,
    @Nullable String message,
    boolean dryRun) {
  private static final int MOST_MESSAGE = 200;

  /**
   * The same, checked.
   *
   * @throws IllegalArgumentException with a sentence
   */
  public DrillSpec checked() {
    if (code < 1 || code > 9999) {
      throw new IllegalArgumentException("an XID is a number from 1 to 9999, not " + code);
    }
    if (pid != null && pid < 1) {
      throw new IllegalArgumentException("a process has a number from 1 on, not " + pid);
    }
    String text = message == null ? "" : message;
    if (text.length() > MOST_MESSAGE || text.chars().anyMatch(each -> each < ' ' || each > '~')) {
      throw new IllegalArgumentException(
          "a message is at most " + MOST_MESSAGE + " printable ASCII characters on one line");
    }
    return this;
  }
}
