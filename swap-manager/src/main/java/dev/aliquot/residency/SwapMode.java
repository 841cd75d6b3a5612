package dev.aliquot.residency;

/** Whether a tenant may be swapped out: moved to host memory as a whole until it runs again. */
public enum SwapMode {
  /** It stays; what it borrowed is demoted when it is needed. */
  NEVER,
  /** When another tenant needs the memory. */
  ALLOWED,
  /** The same, before all that only allow it. */
  PREFERRED
}
