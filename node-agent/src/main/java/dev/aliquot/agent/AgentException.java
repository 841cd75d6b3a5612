package dev.aliquot.agent;

/**
 * A request the agent does not fulfil. The message is one sentence for a person: the cause, and
 * what to do about it.
 */
public final class AgentException extends Exception {
  private static final long serialVersionUID = 1L;

  /** What kind of answer this is; HTTP-like, so that a caller can pick a code. */
  public enum Kind {
    /** The request makes no sense as it stands. */
    INVALID,
    /** The device has not enough room left for the request. */
    NO_ROOM,
    /** No such tenant or device. */
    NOT_FOUND,
    /** The name is taken, or another agent has this state directory. */
    CONFLICT,
    /** The caller may not ask for this. */
    FORBIDDEN,
    /** The agent, its driver or its state directory cannot serve this now. */
    UNAVAILABLE
  }

  private final Kind kind;

  public AgentException(Kind kind, String sentence) {
    super(sentence);
    this.kind = kind;
  }

  public AgentException(Kind kind, String sentence, Throwable cause) {
    super(sentence, cause);
    this.kind = kind;
  }

  public Kind kind() {
    return kind;
  }
}
