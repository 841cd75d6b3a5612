package dev.aliquot.agent.config;

/** What becomes of the tenants of a device that is out. */
public enum OutPolicy {
  /** They run on. */
  KEEP,
  /** Unless it is lost, those that may be swapped out leave it until they need it again. */
  SAVE,
  /** Their processes are ended, unless the device is only to be drained. */
  STOP
}
