package dev.aliquot.agent.admin;

import dev.aliquot.agent.view.TenantSpec;
import dev.aliquot.ledger.Priority;
import dev.aliquot.residency.SwapMode;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The body of {@code POST /v1/tenants}: {@link TenantSpec} with everything optional. */
record TenantRequest(
    @Nullable String name,
    @Nullable String namespace,
    @Nullable String pod,
    @Nullable String container,
    @Nullable List<@Nullable String> devices,
    @Nullable Long memoryBytes,
    @Nullable Integer fractionPercent,
    @Nullable Long memoryLimitBytes,
    @Nullable Integer fractionLimitPercent,
    @Nullable String swap,
    @Nullable String priority,
    @Nullable Integer rootPid) {

  private static final int MOST_DEVICES = 16;
  private static final String NAME = "[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?";
  private static final String KUBERNETES_NAME = "[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?";

  /**
   * The specification, its fields within their bounds.
   *
   * @throws IllegalArgumentException with a sentence that names the field and what is allowed
   */
  TenantSpec checked() {
    if ((memoryBytes == null) == (fractionPercent == null)) {
      throw new IllegalArgumentException(
          "give either memoryBytes or fractionPercent" + (memoryBytes == null ? "" : ", not both"));
    }
    if (memoryBytes != null && memoryBytes <= 0) {
      throw new IllegalArgumentException("memoryBytes: " + memoryBytes + " is not more than 0");
    }
    if (fractionPercent != null && (fractionPercent < 1 || fractionPercent > 100)) {
      throw new IllegalArgumentException(
          "fractionPercent: " + fractionPercent + " is not from 1 to 100");
    }
    if (memoryLimitBytes != null && fractionLimitPercent != null) {
      throw new IllegalArgumentException(
          "give either memoryLimitBytes or fractionLimitPercent, not both");
    }
    if (memoryLimitBytes != null && memoryLimitBytes <= 0) {
      throw new IllegalArgumentException(
          "memoryLimitBytes: " + memoryLimitBytes + " is not more than 0");
    }
    if (fractionLimitPercent != null && (fractionLimitPercent < 1 || fractionLimitPercent > 100)) {
      throw new IllegalArgumentException(
          "fractionLimitPercent: " + fractionLimitPercent + " is not from 1 to 100");
    }
    if (rootPid != null && rootPid < 0) {
      throw new IllegalArgumentException("rootPid: " + rootPid + " is no process");
    }
    Priority level = choice("priority", priority, Priority.values(), "low, normal or high");
    return new TenantSpec(
        word(
            "name",
            name,
            NAME,
            "1 to 63 letters, digits, '.', '_' and '-', no symbol at either end"),
        word("namespace", namespace, KUBERNETES_NAME, "a Kubernetes name"),
        word("pod", pod, KUBERNETES_NAME, "a Kubernetes name"),
        word("container", container, KUBERNETES_NAME, "a Kubernetes name"),
        deviceList(devices),
        memoryBytes,
        fractionPercent,
        memoryLimitBytes,
        fractionLimitPercent,
        choice("swap", swap, SwapMode.values(), "never, allowed or preferred"),
        level == null ? Priority.NORMAL : level,
        rootPid == null ? 0 : rootPid);
  }

  private static <E extends Enum<E>> @Nullable E choice(
      String field, @Nullable String value, E[] values, String allowed) {
    if (value == null) {
      return null;
    }
    for (E each : values) {
      if (each.name().toLowerCase(Locale.ROOT).equals(value)) {
        return each;
      }
    }
    throw new IllegalArgumentException(field + ": '" + shortened(value) + "' is not " + allowed);
  }

  private static String word(String field, @Nullable String value, String pattern, String allowed) {
    if (value == null || value.isEmpty()) {
      return "";
    }
    if (!value.matches(pattern)) {
      throw new IllegalArgumentException(field + ": '" + shortened(value) + "' is not " + allowed);
    }
    return value;
  }

  private static List<String> deviceList(@Nullable List<@Nullable String> devices) {
    if (devices == null) {
      return List.of();
    }
    if (devices.size() > MOST_DEVICES) {
      throw new IllegalArgumentException(
          "devices: at most " + MOST_DEVICES + ", given " + devices.size());
    }
    return devices.stream()
        .map(
            device -> {
              if (device == null || !device.matches("[0-9]{1,2}|[A-Za-z0-9/-]{4,80}")) {
                throw new IllegalArgumentException(
                    "devices: '"
                        + shortened(String.valueOf(device))
                        + "' is neither an index nor a UUID");
              }
              return device;
            })
        .toList();
  }

  private static String shortened(String text) {
    return text.length() <= 80 ? text : text.substring(0, 80) + "…";
  }
}
