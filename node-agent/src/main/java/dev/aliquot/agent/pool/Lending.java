package dev.aliquot.agent.pool;

/** When memory that a tenant is guaranteed and does not use is lent to others. */
public enum Lending {
  /** As far as the host pool could take it, so that it can always be had back. */
  BACKED,
  /** Whatever there is: where the host pool is too small, its owner may have to wait for it. */
  ALWAYS,
  /** Never. */
  OFF
}
