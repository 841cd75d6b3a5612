package dev.aliquot.agent.limits;

import dev.aliquot.agent.config.LimitBackend;
import dev.aliquot.agent.device.CgroupLimiter;
import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.ffm.NativeException;
import dev.aliquot.linux.Identity;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Which way is possible on this machine, by probing, and which is taken. */
public final class LimitsChoice {
  private LimitsChoice() {}

  /**
   * Why the driver cannot hold limits, empty when it can. Changes nothing.
   *
   * @param limiters one for each device; an empty one where the driver has no such calls
   */
  public static Optional<String> whyNotDriver(
      List<Optional<CgroupLimiter>> limiters, Path cgroupRoot) {
    CgroupTree tree = new CgroupTree(cgroupRoot, ProcFs.system());
    if (limiters.isEmpty()) {
      return Optional.of("there is no device");
    }
    if (limiters.stream().anyMatch(Optional::isEmpty)) {
      return Optional.of("this driver has no limits of its own (R615 and later have)");
    }
    if (!tree.isMounted()) {
      return Optional.of("cgroup version 2 is not mounted at " + cgroupRoot);
    }
    if (Identity.effectiveUserId() != 0) {
      return Optional.of("only root may set the driver's limits");
    }
    for (int i = 0; i < limiters.size(); i++) {
      try {
        limiters.get(i).orElseThrow().get(tree.ownDirectory());
      } catch (NativeException e) {
        return Optional.of("the driver refuses it for device " + i + ": " + e.getMessage());
      }
    }
    return Optional.empty();
  }

  /**
   * Whether the driver is to hold limits.
   *
   * @param whyNot as {@link #whyNotDriver} says
   * @throws IllegalStateException with a sentence when it must and cannot
   */
  static boolean driver(LimitBackend wanted, Optional<String> whyNot) {
    if (wanted == LimitBackend.DRIVER && whyNot.isPresent()) {
      throw new IllegalStateException(
          "memory-limits is driver, but "
              + whyNot.get()
              + "; set it to auto or interposer, or see aliquot doctor");
    }
    return wanted != LimitBackend.INTERPOSER && whyNot.isEmpty();
  }
}
