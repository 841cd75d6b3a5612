package dev.aliquot.ledger;

/** Which of a device's tenants goes before which where they compete for what nobody is promised. */
public enum Priority {
  LOW,
  NORMAL,
  HIGH
}
