package dev.aliquot.agent.view;

/**
 * Memory that stays on its device whatever is wanted of it, as its process says.
 *
 * @param reason shared (other processes have a legacy IPC handle of it), exported (or bound to a
 *     multicast object or an array, or mapped twice or in part), host (the host has access to it),
 *     rdma (there is a dma-buf of it), or opened (another process's, and not in what this one
 *     reports)
 * @param bytes as long as the reason lasts
 */
public record PinnedView(String reason, long bytes) {}
