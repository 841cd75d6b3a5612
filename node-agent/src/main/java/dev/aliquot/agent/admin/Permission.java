package dev.aliquot.agent.admin;

import dev.aliquot.agent.http.Caller;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.OptionalInt;

/**
 * Who may administer. Decided from what the kernel says about the peer, on top of the socket's file
 * mode.
 *
 * @param agentUid the agent's own user
 * @param group the administration group's number
 */
record Permission(int agentUid, OptionalInt group) {

  boolean allows(Caller caller) {
    return isOwner(caller) || (group.isPresent() && isMember(caller, group.getAsInt()));
  }

  /** Root or the agent's own user, who may act for processes of others. */
  boolean isOwner(Caller caller) {
    return caller.uid() == 0 || caller.uid() == agentUid;
  }

  private static boolean isMember(Caller caller, int gid) {
    return caller.gid() == gid || supplementaryGroups(caller.pid()).contains(Integer.toString(gid));
  }

  /**
   * SO_PEERCRED names the primary group only; the others are in {@code /proc}. A process that is
   * gone has none.
   */
  private static java.util.List<String> supplementaryGroups(int pid) {
    try (var lines = Files.lines(Path.of("/proc", Integer.toString(pid), "status"))) {
      return lines
          .filter(line -> line.startsWith("Groups:"))
          .flatMap(
              line -> Arrays.stream(line.substring("Groups:".length()).strip().split("\\s+", -1)))
          .toList();
    } catch (IOException | java.io.UncheckedIOException e) {
      return java.util.List.of();
    }
  }

  String refusal(Caller caller) {
    return "user "
        + caller.uid()
        + " (process "
        + caller.pid()
        + ") may not administer this agent: it is for root, user "
        + agentUid
        + (group.isPresent() ? " and members of group " + group.getAsInt() : "");
  }
}
