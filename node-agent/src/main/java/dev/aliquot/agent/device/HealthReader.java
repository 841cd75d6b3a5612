package dev.aliquot.agent.device;

import dev.aliquot.health.device.Condition;

/** Asks one device how it is. May block for as long as the driver does. */
public interface HealthReader {

  /** Never fails: a device that does not answer is a condition, too. */
  Condition read();
}
