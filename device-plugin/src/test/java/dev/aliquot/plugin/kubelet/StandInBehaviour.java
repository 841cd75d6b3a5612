package dev.aliquot.plugin.kubelet;

import java.util.Set;

/**
 * Which kubelet is imitated.
 *
 * @param findsPlugins whether it looks through its folder of plugins, as those since 1.13 do
 * @param takesCalls whether it can be called to register
 * @param numaNodes the node's
 * @param restricted whether its topology manager refuses what fits on no NUMA node
 * @param seed of the order of ids
 */
public record StandInBehaviour(
    boolean findsPlugins,
    boolean takesCalls,
    Set<Integer> numaNodes,
    boolean restricted,
    long seed) {
  /** One with all that the newest has, and default settings. */
  public static final StandInBehaviour NORMAL =
      new StandInBehaviour(true, true, Set.of(0), false, 42);

  /** One that has to be called. */
  public static final StandInBehaviour ONLY_CALLED =
      new StandInBehaviour(false, true, Set.of(0), false, 42);
}
