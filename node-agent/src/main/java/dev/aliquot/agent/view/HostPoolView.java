package dev.aliquot.agent.view;

import java.util.List;

/**
 * The node's host pool: pinned host memory for data of lent device memory. Bytes are bytes of host
 * memory.
 *
 * @param available whether chunks can be made, as far as is known
 * @param reason why not, or empty
 * @param sizeBytes the most that all chunks may take together; 0: there is no pool
 * @param reserveBytes available memory of the machine that is left alone
 * @param madeBytes all chunks that this agent has made, and those of an earlier agent that tenants
 *     still hold
 * @param preparedBytes of these, made ahead and not handed out yet
 * @param takenBytes of these, in the hands of tenants' processes
 * @param idleBytes of these, given back by a tenant and kept for the same one
 * @param refusals wishes for a chunk that were refused, since this agent started
 * @param tenants those that have had chunks, or may borrow
 */
public record HostPoolView(
    boolean available,
    String reason,
    long sizeBytes,
    long reserveBytes,
    long madeBytes,
    long preparedBytes,
    long takenBytes,
    long idleBytes,
    long refusals,
    List<TenantShare> tenants) {

  /**
   * One tenant's part.
   *
   * @param tenant its id
   * @param takenBytes in its processes' hands
   * @param earlierBytes of these, handed out by an earlier agent
   * @param idleBytes given back, and kept for it
   */
  public record TenantShare(String tenant, long takenBytes, long earlierBytes, long idleBytes) {}
}
