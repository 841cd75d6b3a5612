package dev.aliquot.nvml;

import dev.aliquot.bindings.nvml.NvmlBindings;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Something that happened on a device.
 *
 * @param deviceUuid the device; empty for one that is not registered in the set
 * @param type one of NVML's event bits, such as {@link #XID}
 * @param data what the type says it is: for {@link #XID} the XID
 * @param gpuInstanceId the MIG GPU instance, if the event is one's
 * @param computeInstanceId the MIG compute instance, if the event is one's
 */
public record NvmlEvent(
    Optional<String> deviceUuid,
    long type,
    long data,
    OptionalInt gpuInstanceId,
    OptionalInt computeInstanceId) {
  public static final long SINGLE_BIT_ECC_ERROR = NvmlBindings.nvmlEventTypeSingleBitEccError();
  public static final long DOUBLE_BIT_ECC_ERROR = NvmlBindings.nvmlEventTypeDoubleBitEccError();
  public static final long XID = NvmlBindings.nvmlEventTypeXidCriticalError();
  public static final long DEVICE_UNAVAILABLE = NvmlBindings.nvmlEventTypeGpuUnavailableError();
  public static final long RECOVERY_ACTION = NvmlBindings.nvmlEventTypeGpuRecoveryAction();

  /** Types that say something about a device's health; the others tell of clocks and power. */
  public static final long HEALTH_TYPES =
      SINGLE_BIT_ECC_ERROR
          | DOUBLE_BIT_ECC_ERROR
          | XID
          | NvmlBindings.nvmlEventTypeSingleBitEccErrorStorm()
          | NvmlBindings.nvmlEventTypeDramRetirementEvent()
          | NvmlBindings.nvmlEventTypeDramRetirementFailure()
          | NvmlBindings.nvmlEventTypeNonFatalPoisonError()
          | NvmlBindings.nvmlEventTypeFatalPoisonError()
          | DEVICE_UNAVAILABLE
          | RECOVERY_ACTION;

  /** The XID of an {@link #XID} event. */
  public OptionalInt xid() {
    return type == XID ? OptionalInt.of((int) data) : OptionalInt.empty();
  }
}
