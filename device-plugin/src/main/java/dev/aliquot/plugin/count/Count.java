package dev.aliquot.plugin.count;

/** What is counted. */
public enum Count {
  /** Registered with a kubelet through its folder of plugins. */
  REGISTRATIONS_BY_FOLDER,
  /** Registered with a kubelet by calling it. */
  REGISTRATIONS_BY_CALL,
  /** Attempts to register that failed, and registrations that were lost. */
  REGISTRATION_FAILURES,
  /** Lists of devices sent. */
  LISTS_SENT,
  /** Streams ended because their reader was too slow. */
  STREAMS_DROPPED,
  /** Allocations answered. */
  ALLOCATIONS,
  /** Allocations refused, which fails the pod. */
  REFUSALS,
  /** Questions for preferred ids answered. */
  PREFERENCES,
  /** Containers that were let start. */
  STARTS,
  /** Grants freed. */
  FREED,
  /** Grants learnt of from the kubelet, because the ledger did not know them. */
  ADOPTED,
  /** Comparisons with the kubelet. */
  RECONCILIATIONS,
  /** Comparisons that failed because the kubelet did not answer. */
  RECONCILIATION_FAILURES,
  /** Times that the ledger could not be written to disk. */
  WRITE_FAILURES
}
