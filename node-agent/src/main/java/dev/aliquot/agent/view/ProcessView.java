package dev.aliquot.agent.view;

import java.util.List;

/**
 * One process of a tenant that uses CUDA.
 *
 * @param pid in the agent's pid namespace
 * @param tenantPid in the process's own pid namespace
 * @param command the process's name, from /proc
 * @param device UUID
 * @param reportedBytes what its interposer says it holds
 * @param groundTruthBytes NVML's figure; 0 where NVML has none
 * @param overheadBytes ground truth beyond what was reported
 * @param pinned what of its memory on the device cannot move, and why
 */
public record ProcessView(
    int pid,
    int tenantPid,
    String command,
    String device,
    long reportedBytes,
    long groundTruthBytes,
    long overheadBytes,
    List<PinnedView> pinned) {}
