package dev.aliquot.agent.wire;

/** What the agent answers. */
public sealed interface Reply {

  record Welcome(int slot, long generation) implements Reply {}

  /**
   * @param creditBytes the slot's credit on the device in question, 0 after BYE
   */
  record Granted(long creditBytes) implements Reply {}

  /**
   * @param sentence for a person; cut to what fits the frame
   */
  record Refused(Status status, String sentence) implements Reply {}
}
