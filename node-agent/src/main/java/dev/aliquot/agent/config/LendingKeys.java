package dev.aliquot.agent.config;

import dev.aliquot.agent.pool.Lending;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** Memory that is lent, and what is done about those who take more than theirs. */
final class LendingKeys {
  static final ConfigKey<Long> HOST_POOL_SIZE =
      ConfigKey.derived(
          "host-pool-size",
          ConfigTypes.bounded(
              "size", ByteSize::parse, 0L, 1L << 50, "a size from 0 to 1024TiB such as 64GiB"),
          "a size from 0 to 1024TiB; 0: no host pool",
          "a quarter of the memory that is available when the agent starts",
          "The most pinned host memory that data of lent device memory may take, all tenants"
              + " together.");
  static final ConfigKey<Long> HOST_POOL_RESERVE =
      ConfigKey.derived(
          "host-pool-reserve",
          ConfigTypes.bounded(
              "size", ByteSize::parse, 0L, 1L << 50, "a size from 0 to 1024TiB such as 4GiB"),
          "a size from 0 to 1024TiB",
          "5 % of the machine's memory, at least 1GiB",
          "The host pool takes nothing that would leave the machine with less available memory.");
  static final ConfigKey<Long> HOST_POOL_PREPARED =
      ConfigKey.fixed(
          "host-pool-prepared",
          ConfigTypes.bounded(
              "size", ByteSize::parse, 0L, 1L << 40, "a size from 0 to 1TiB such as 256MiB"),
          "a size from 0 to 1TiB",
          "256MiB",
          "Part of the host pool that is made ahead, in pieces of 64MiB, on each NUMA node next to a"
              + " device on which a tenant may borrow; where nobody may borrow, nothing is made and"
              + " the CUDA driver is not opened.");
  static final ConfigKey<Lending> LENDING =
      ConfigKey.fixed(
          "lending",
          ConfigTypes.choice(Lending.class),
          "backed, always or off",
          "backed",
          "When guaranteed memory that nobody uses is lent to tenants with a higher limit: as far as"
              + " the host pool could take it, always (its owner may then have to wait for it), or"
              + " never.");
  static final ConfigKey<BypassPolicy> BYPASS_POLICY =
      ConfigKey.fixed(
          "bypass-policy",
          ConfigTypes.choice(BypassPolicy.class),
          "report, suspend or stop",
          "report",
          "What is done about a tenant's process that never attached or holds much more than it"
              + " reports.");
  static final ConfigKey<BypassPolicy> STRANGER_POLICY =
      ConfigKey.fixed(
          "stranger-policy",
          ConfigTypes.choice(BypassPolicy.class),
          "report, suspend or stop",
          "report",
          "The same for a process that is no tenant's; it may be somebody's display or monitoring.");
  static final ConfigKey<KeeperPolicy> KEEPER_POLICY =
      ConfigKey.fixed(
          "keeper-policy",
          ConfigTypes.choice(KeeperPolicy.class),
          "report or stop",
          "report",
          "What is done about a tenant's process that does not give back what was lent to it while"
              + " another tenant, to which it is guaranteed, waits for it.");
  static final ConfigKey<Long> BYPASS_TOLERANCE =
      ConfigKey.fixed(
          "bypass-tolerance",
          ConfigTypes.bounded(
              "size", ByteSize::parse, 0L, 1L << 40, "a size from 0 to 1TiB such as 1GiB"),
          "a size from 0 to 1TiB",
          "1GiB",
          "How much more than its report and a context a process may hold before it counts as"
              + " underreporting.");
  static final ConfigKey<Duration> BYPASS_GRACE =
      ConfigKey.fixed(
          "bypass-grace",
          ConfigTypes.bounded(
              "duration",
              Durations::parse,
              Duration.ZERO,
              Duration.ofMinutes(10),
              "a duration from 0s to 10m such as 10s"),
          "a duration from 0s to 10m",
          "10s",
          "How long after SIGTERM a process that a policy stops is sent SIGKILL.");
  static final ConfigKey<LimitBackend> MEMORY_LIMITS =
      ConfigKey.fixed(
          "memory-limits",
          ConfigTypes.choice(LimitBackend.class),
          "auto, interposer or driver",
          "auto",
          "driver: the driver's own limits (R615 and later) on a container's cgroup, beside the"
              + " interposer's; auto: where they are possible.");
  static final ConfigKey<Path> CGROUP_ROOT =
      ConfigKey.fixed(
          "cgroup-root",
          ConfigTypes.path(),
          "an absolute path",
          "/sys/fs/cgroup",
          "Where cgroup version 2 is mounted.");

  static final List<ConfigKey<?>> ALL =
      List.of(
          HOST_POOL_SIZE,
          HOST_POOL_RESERVE,
          HOST_POOL_PREPARED,
          LENDING,
          BYPASS_POLICY,
          STRANGER_POLICY,
          KEEPER_POLICY,
          BYPASS_TOLERANCE,
          BYPASS_GRACE,
          MEMORY_LIMITS,
          CGROUP_ROOT);

  private LendingKeys() {}
}
