package dev.aliquot.agent;

/**
 * Who is at the other end of a unix socket, as the kernel says (SO_PEERCRED), never as the peer
 * says.
 *
 * @param pid in the agent's pid namespace; 0 where the kernel cannot name it
 * @param uid effective user
 * @param gid effective group
 */
public record Peer(int pid, int uid, int gid) {}
