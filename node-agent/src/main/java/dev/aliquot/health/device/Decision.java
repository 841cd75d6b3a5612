package dev.aliquot.health.device;

import dev.aliquot.health.catalogue.FaultClass;
import dev.aliquot.nvml.RecoveryAction;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * How a device should stand by what it says of itself and by what faults claim, whatever was
 * before. In this order: that it is gone; what the driver wants done; what a fault claims.
 */
final class Decision {
  private Decision() {}

  /**
   * @param claims all real, or all drills': practice decides nothing that really happened
   */
  static Verdict of(Condition condition, List<Claim> claims) {
    Optional<Claim> worst =
        claims.stream()
            .max(
                Comparator.comparing((Claim claim) -> claim.gone())
                    .thenComparing(Claim::faultClass));
    boolean replace =
        condition.remapFailed()
            || claims.stream().anyMatch(claim -> claim.faultClass() == FaultClass.REPLACE);
    return switch (condition.presence()) {
      case LOST ->
          worst
              .filter(Claim::gone)
              .map(claim -> by(DeviceState.LOST, claim, replace))
              .orElse(
                  Verdict.ofDevice(
                      DeviceState.LOST, "the driver says that the device is gone", replace));
      case SILENT ->
          worst
              .map(claim -> by(ofClaim(claim), claim, replace))
              .orElse(
                  Verdict.ofDevice(
                      DeviceState.NEEDS_RESET,
                      "the driver does not answer for this device",
                      replace));
      case ANSWERS -> answering(condition, worst, replace);
    };
  }

  private static Verdict answering(Condition condition, Optional<Claim> worst, boolean replace) {
    RecoveryAction action = condition.action().orElse(RecoveryAction.NONE);
    DeviceState asked = Recoveries.state(action);
    String wants = "the driver wants " + Recoveries.words(action);
    if (asked.compareTo(DeviceState.SUSPECT) > 0 && worst.filter(Claim::gone).isEmpty()) {
      return worst
          .map(claim -> by(asked, claim, replace).because(wants + ": " + why(claim)))
          .orElse(Verdict.ofDevice(asked, wants, replace));
    }
    if (worst.isPresent()) {
      return by(ofClaim(worst.get()), worst.get(), replace);
    }
    if (condition.remapFailed()) {
      return Verdict.ofDevice(
          DeviceState.NEEDS_REBOOT,
          "device memory could not be replaced by spare memory: the device wants replacing",
          true);
    }
    if (asked == DeviceState.SUSPECT) {
      return Verdict.ofDevice(asked, wants, false);
    }
    return condition.remapPending()
        ? Verdict.ofDevice(
            DeviceState.SUSPECT,
            "device memory waits for a reset to be replaced: reset the device when it is idle",
            false)
        : Verdict.HEALTHY;
  }

  private static Verdict by(DeviceState state, Claim claim, boolean replace) {
    return new Verdict(state, why(claim), claim.fault(), replace, claim.drill());
  }

  private static String why(Claim claim) {
    boolean number = Character.isDigit(claim.cause().charAt(0));
    return (claim.drill() ? "a drill: " : "")
        + (number ? "XID " + claim.cause() + ": " : "")
        + claim.text();
  }

  private static DeviceState ofClaim(Claim claim) {
    if (claim.gone()) {
      return DeviceState.LOST;
    }
    return claim.faultClass() == FaultClass.RESET
        ? DeviceState.NEEDS_RESET
        : DeviceState.NEEDS_REBOOT;
  }
}
