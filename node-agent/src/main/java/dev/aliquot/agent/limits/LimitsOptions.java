package dev.aliquot.agent.limits;

import dev.aliquot.agent.config.LimitBackend;
import java.nio.file.Path;

/**
 * How tenants are held to their memory.
 *
 * @param cgroupRoot where cgroup version 2 is mounted
 */
public record LimitsOptions(LimitBackend backend, Path cgroupRoot) {
  public static final LimitsOptions DEFAULTS =
      new LimitsOptions(LimitBackend.AUTO, Path.of("/sys/fs/cgroup"));
}
