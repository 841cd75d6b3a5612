package dev.aliquot.agent.config;

/** Which device a part of one is taken of. */
public enum PlacementPolicy {
  PACK,
  SPREAD
}
