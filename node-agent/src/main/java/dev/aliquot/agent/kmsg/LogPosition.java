package dev.aliquot.agent.kmsg;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where somebody has read to. In a log of another name it means the beginning.
 *
 * @param log which log this is in: the boot id for the kernel's own; for a file a check of the
 *     bytes before the position, so that a file that was replaced is another log
 * @param next the first that was not read: a sequence number, in a file a byte
 */
public record LogPosition(String log, long next) {
  /** Everything that is still in the log. */
  public static final LogPosition BEGINNING = new LogPosition("none", 0);

  /** What is in the log when it is first looked at is left out, if it can be read then. */
  public static final LogPosition END = new LogPosition("none", Long.MAX_VALUE);

  private static final Pattern TEXT = Pattern.compile("([0-9a-z-]{1,64}) ([0-9]{1,19})");

  /** One line without its end, for a state file. */
  public String text() {
    return log + " " + next;
  }

  /** Takes back {@link #text}; empty for anything else. */
  public static Optional<LogPosition> parse(String text) {
    Matcher matcher = TEXT.matcher(text.strip());
    if (!matcher.matches()) {
      return Optional.empty();
    }
    try {
      return Optional.of(new LogPosition(matcher.group(1), Long.parseLong(matcher.group(2))));
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }
}
