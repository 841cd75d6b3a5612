package dev.aliquot.nvml;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.aliquot.bindings.nvml.NvmlBindings;
import dev.aliquot.bindings.nvml.nvmlPciInfo_st;
import dev.aliquot.bindings.nvml.nvmlUtilization_st;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * A physical device or a MIG instance. Each method is one or a few NVML calls, nothing is cached
 * but the UUID. Thread-safe. Valid until its {@link Nvml} is closed.
 */
public final class NvmlDevice {
  private final NvmlCalls calls;
  private final MemorySegment handle;
  private final String uuid;

  private NvmlDevice(NvmlCalls calls, MemorySegment handle, String uuid) {
    this.calls = calls;
    this.handle = handle;
    this.uuid = uuid;
  }

  static NvmlDevice of(NvmlCalls calls, MemorySegment handle) {
    String uuid =
        calls
            .stringOf("nvmlDeviceGetUUID", handle, NvmlBindings.NVML_DEVICE_UUID_V2_BUFFER_SIZE())
            .orElseThrow(() -> new NvmlException("nvmlDeviceGetUUID", NvmlStatus.NOT_SUPPORTED));
    return new NvmlDevice(calls, handle, uuid);
  }

  MemorySegment handle() {
    return handle;
  }

  // ---- identity

  /** {@code GPU-...} or {@code MIG-...}. */
  public String uuid() {
    return uuid;
  }

  /** Model name, such as {@code NVIDIA H100 80GB HBM3}. */
  public String name() {
    return required(
        "nvmlDeviceGetName",
        calls.stringOf(
            "nvmlDeviceGetName", handle, NvmlBindings.NVML_DEVICE_NAME_V2_BUFFER_SIZE()));
  }

  /** The board's serial number; consumer boards have none. */
  public Optional<String> serial() {
    return calls.stringOf(
        "nvmlDeviceGetSerial", handle, NvmlBindings.NVML_DEVICE_SERIAL_BUFFER_SIZE());
  }

  public int index() {
    return required("nvmlDeviceGetIndex", calls.intOf("nvmlDeviceGetIndex", handle));
  }

  /** N of {@code /dev/nvidiaN}. */
  public OptionalInt minorNumber() {
    return calls.intOf("nvmlDeviceGetMinorNumber", handle);
  }

  public PciAddress pciAddress() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pci = nvmlPciInfo_st.allocate(arena);
      calls.check("nvmlDeviceGetPciInfo_v3", f -> f.call(handle, pci));
      return new PciAddress(
          nvmlPciInfo_st.domain(pci), nvmlPciInfo_st.bus(pci), nvmlPciInfo_st.device(pci));
    }
  }

  /** The NUMA node that the device's own memory forms; empty on most machines and before R545. */
  public OptionalInt numaNode() {
    return calls.intOf("nvmlDeviceGetNumaNodeId", handle);
  }

  public ComputeCapability computeCapability() {
    int[] pair =
        calls
            .intPairOf("nvmlDeviceGetCudaComputeCapability", handle)
            .orElseThrow(
                () ->
                    new NvmlException(
                        "nvmlDeviceGetCudaComputeCapability", NvmlStatus.NOT_SUPPORTED));
    return new ComputeCapability(pair[0], pair[1]);
  }

  public Architecture architecture() {
    OptionalInt code = calls.intOf("nvmlDeviceGetArchitecture", handle);
    return code.isPresent() ? Architecture.of(code.getAsInt()) : Architecture.UNKNOWN;
  }

  // ---- modes

  public Optional<ComputeMode> computeMode() {
    OptionalInt code = calls.intOf("nvmlDeviceGetComputeMode", handle);
    return code.isPresent() ? Optional.of(ComputeMode.of(code.getAsInt())) : Optional.empty();
  }

  public Optional<Boolean> persistenceMode() {
    OptionalInt code = calls.intOf("nvmlDeviceGetPersistenceMode", handle);
    return code.isPresent()
        ? Optional.of(code.getAsInt() == NvmlBindings.NVML_FEATURE_ENABLED())
        : Optional.empty();
  }

  /** Empty where the device cannot do MIG. */
  public Optional<PendingMode> migMode() {
    return mode("nvmlDeviceGetMigMode");
  }

  /** Empty where the device has no ECC. */
  public Optional<PendingMode> eccMode() {
    return mode("nvmlDeviceGetEccMode");
  }

  // ---- MIG

  public boolean isMigInstance() {
    OptionalInt answer = calls.intOf("nvmlDeviceIsMigDeviceHandle", handle);
    return answer.isPresent() && answer.getAsInt() != 0;
  }

  /** The MIG instances of a physical device. */
  public List<NvmlDevice> migInstances() {
    int most = calls.intOf("nvmlDeviceGetMaxMigDeviceCount", handle).orElse(0);
    List<NvmlDevice> instances = new ArrayList<>();
    for (int i = 0; i < most; i++) {
      int index = i;
      try {
        instances.add(
            of(
                calls,
                calls.handleOf(
                    "nvmlDeviceGetMigDeviceHandleByIndex",
                    (f, out) -> f.call(handle, index, out))));
      } catch (NvmlException e) {
        if (!e.is(NvmlStatus.NOT_FOUND) && !e.is(NvmlStatus.NOT_SUPPORTED)) {
          throw e;
        }
      }
    }
    return instances;
  }

  /** The physical device of a MIG instance. */
  public NvmlDevice parent() {
    return of(
        calls,
        calls.handleOf(
            "nvmlDeviceGetDeviceHandleFromMigDeviceHandle", (f, out) -> f.call(handle, out)));
  }

  public OptionalInt gpuInstanceId() {
    return calls.intOf("nvmlDeviceGetGpuInstanceId", handle);
  }

  public OptionalInt computeInstanceId() {
    return calls.intOf("nvmlDeviceGetComputeInstanceId", handle);
  }

  // ---- memory and processes

  /**
   * @throws NvmlException also where the device has no memory of its own (NOT_SUPPORTED)
   */
  public DeviceMemory memory() {
    return MemoryInfo.read(calls, handle);
  }

  /**
   * Every process with a context on the device, once per pid. Host pids where the caller is in the
   * host's pid namespace.
   *
   * @throws NvmlException also where the driver cannot list processes (NOT_SUPPORTED): that is not
   *     the same as none
   */
  public List<GpuProcess> processes() {
    return ProcessLists.read(calls, handle);
  }

  /**
   * Utilisation by process since a moment.
   *
   * @param sinceMicros the newest {@link ProcessUtilization#timestampMicros} already seen, or 0
   */
  public List<ProcessUtilization> processUtilization(long sinceMicros) {
    return UtilizationSamples.read(calls, handle, sinceMicros);
  }

  public Optional<Utilization> utilization() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment rates = nvmlUtilization_st.allocate(arena);
      return calls.supported("nvmlDeviceGetUtilizationRates", f -> f.call(handle, rates))
          ? Optional.of(
              new Utilization(nvmlUtilization_st.gpu(rates), nvmlUtilization_st.memory(rates)))
          : Optional.empty();
    }
  }

  /**
   * Sets the driver's own limits for the processes of a cgroup v2 directory; soft 0 and hard {@link
   * CgroupLimits#NONE} take them away. Read them back before relying on them.
   *
   * @throws NvmlException {@link NvmlStatus#FUNCTION_NOT_FOUND} before R615, {@link
   *     NvmlStatus#NO_PERMISSION} for another user than root, {@link NvmlStatus#NOT_SUPPORTED} for
   *     MIG
   */
  public void setCgroupLimits(Path cgroup, long softBytes, long hardBytes) {
    CgroupLimits.set(calls, handle, cgroup, softBytes, hardBytes);
  }

  /** The driver's own limits of a cgroup v2 directory; any user may ask. */
  public CgroupLimits cgroupLimits(Path cgroup) {
    return CgroupLimits.get(calls, handle, cgroup);
  }

  // ---- sensors

  public OptionalInt temperatureCelsius() {
    return calls.intOf("nvmlDeviceGetTemperature", handle, NvmlBindings.NVML_TEMPERATURE_GPU());
  }

  public OptionalInt powerMilliwatts() {
    return calls.intOf("nvmlDeviceGetPowerUsage", handle);
  }

  /** Since the driver was loaded. */
  public OptionalLong energyMillijoules() {
    return calls.longOf("nvmlDeviceGetTotalEnergyConsumption", handle);
  }

  public OptionalInt clockMegahertz(ClockDomain domain) {
    return calls.intOf("nvmlDeviceGetClockInfo", handle, domain.code());
  }

  /** Empty where the device is not on PCIe. */
  public Optional<PcieLink> pcieLink() {
    OptionalInt generation = calls.intOf("nvmlDeviceGetCurrPcieLinkGeneration", handle);
    OptionalInt width = calls.intOf("nvmlDeviceGetCurrPcieLinkWidth", handle);
    if (generation.isEmpty() || width.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new PcieLink(
            generation.getAsInt(),
            width.getAsInt(),
            calls.intOf("nvmlDeviceGetMaxPcieLinkGeneration", handle).orElse(generation.getAsInt()),
            calls.intOf("nvmlDeviceGetMaxPcieLinkWidth", handle).orElse(width.getAsInt())));
  }

  /** Bytes per second that the device sends (measured over 20 ms, during which the call blocks). */
  public OptionalLong pcieSentBytesPerSecond() {
    return pcieThroughput(NvmlBindings.NVML_PCIE_UTIL_TX_BYTES());
  }

  /** Bytes per second that the device receives, as {@link #pcieSentBytesPerSecond}. */
  public OptionalLong pcieReceivedBytesPerSecond() {
    return pcieThroughput(NvmlBindings.NVML_PCIE_UTIL_RX_BYTES());
  }

  // ---- health

  /** Memory errors that were corrected or not; empty where ECC is off or missing. */
  public OptionalLong eccErrors(boolean uncorrected, EccPeriod period) {
    int type =
        uncorrected
            ? NvmlBindings.NVML_MEMORY_ERROR_TYPE_UNCORRECTED()
            : NvmlBindings.NVML_MEMORY_ERROR_TYPE_CORRECTED();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_LONG);
      return calls.supported(
              "nvmlDeviceGetTotalEccErrors", f -> f.call(handle, type, period.code(), out))
          ? OptionalLong.of(out.get(JAVA_LONG, 0))
          : OptionalLong.empty();
    }
  }

  /** Empty before Ampere. */
  public Optional<RemappedRows> remappedRows() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment corrected = arena.allocate(JAVA_INT);
      MemorySegment uncorrectable = arena.allocate(JAVA_INT);
      MemorySegment pending = arena.allocate(JAVA_INT);
      MemorySegment failed = arena.allocate(JAVA_INT);
      return calls.supported(
              "nvmlDeviceGetRemappedRows",
              f -> f.call(handle, corrected, uncorrectable, pending, failed))
          ? Optional.of(
              new RemappedRows(
                  corrected.get(JAVA_INT, 0),
                  uncorrectable.get(JAVA_INT, 0),
                  pending.get(JAVA_INT, 0) != 0,
                  failed.get(JAVA_INT, 0) != 0))
          : Optional.empty();
    }
  }

  /** What the driver wants done with the device (field 230); empty where it does not say. */
  public Optional<RecoveryAction> recoveryAction() {
    OptionalLong value =
        fieldValues(NvmlBindings.NVML_FI_DEV_GET_GPU_RECOVERY_ACTION()).getFirst().asLong();
    return value.isPresent() ? Optional.of(RecoveryAction.of(value.getAsLong())) : Optional.empty();
  }

  /** Values of NVML's fields ({@code NVML_FI_*}), in the order asked; each has its own status. */
  public List<FieldValue> fieldValues(int... fieldIds) {
    return FieldValue.read(calls, handle, fieldIds);
  }

  /** Bits of {@link NvmlEvent}'s types that the device can report. */
  public long supportedEventTypes() {
    return calls.longOf("nvmlDeviceGetSupportedEventTypes", handle).orElse(0);
  }

  @Override
  public String toString() {
    return uuid;
  }

  private Optional<PendingMode> mode(String function) {
    return calls
        .intPairOf(function, handle)
        .map(pair -> new PendingMode(pair[0] != 0, pair[1] != 0));
  }

  private OptionalLong pcieThroughput(int direction) {
    OptionalInt kib = calls.intOf("nvmlDeviceGetPcieThroughput", handle, direction);
    return kib.isPresent()
        ? OptionalLong.of(Integer.toUnsignedLong(kib.getAsInt()) * 1024)
        : OptionalLong.empty();
  }

  private static <T> T required(String function, Optional<T> value) {
    return value.orElseThrow(() -> new NvmlException(function, NvmlStatus.NOT_SUPPORTED));
  }

  private static int required(String function, OptionalInt value) {
    return value.orElseThrow(() -> new NvmlException(function, NvmlStatus.NOT_SUPPORTED));
  }
}
