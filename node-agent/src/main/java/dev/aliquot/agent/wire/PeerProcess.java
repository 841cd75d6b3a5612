package dev.aliquot.agent.wire;

/** The process at the other end, by SO_PEERCRED: as it was when it connected. */
public record PeerProcess(int pid, int uid, int gid) {}
