package dev.aliquot.nvml;

import dev.aliquot.bindings.nvml.NvmlBindings;
import dev.aliquot.bindings.nvml.nvmlFieldValue_st;
import dev.aliquot.bindings.nvml.nvmlValue_st;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * The value of one NVML field.
 *
 * @param fieldId {@code NVML_FI_*}
 * @param status of this field alone, see {@link NvmlStatus}
 * @param number the value as NVML gave it: a Long or a Double; 0 unless the status is success
 */
public record FieldValue(int fieldId, int status, Number number) {
  private static final String FUNCTION = "nvmlDeviceGetFieldValues";

  public boolean isPresent() {
    return status == NvmlStatus.SUCCESS.code();
  }

  /** The value, empty where the driver has none. */
  public OptionalLong asLong() {
    return isPresent() ? OptionalLong.of(number.longValue()) : OptionalLong.empty();
  }

  /** The value, empty where the driver has none. */
  public OptionalDouble asDouble() {
    return isPresent() ? OptionalDouble.of(number.doubleValue()) : OptionalDouble.empty();
  }

  static List<FieldValue> read(NvmlCalls calls, MemorySegment device, int... fieldIds) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment values = nvmlFieldValue_st.allocateArray(fieldIds.length, arena);
      for (int i = 0; i < fieldIds.length; i++) {
        nvmlFieldValue_st.fieldId(nvmlFieldValue_st.asSlice(values, i), fieldIds[i]);
      }
      int status = calls.status(FUNCTION, f -> f.call(device, fieldIds.length, values));
      if (!NvmlCalls.isAbsent(status)) {
        NvmlCalls.check(FUNCTION, status);
      }
      List<FieldValue> read = new ArrayList<>(fieldIds.length);
      for (int i = 0; i < fieldIds.length; i++) {
        MemorySegment value = nvmlFieldValue_st.asSlice(values, i);
        int own =
            status == NvmlStatus.SUCCESS.code() ? nvmlFieldValue_st.nvmlReturn(value) : status;
        read.add(new FieldValue(fieldIds[i], own, own == 0 ? number(value) : 0L));
      }
      return read;
    }
  }

  private static Number number(MemorySegment field) {
    MemorySegment value = nvmlFieldValue_st.value(field);
    int type = nvmlFieldValue_st.valueType(field);
    if (type == NvmlBindings.NVML_VALUE_TYPE_DOUBLE()) {
      return nvmlValue_st.dVal(value);
    }
    if (type == NvmlBindings.NVML_VALUE_TYPE_UNSIGNED_INT()) {
      return Integer.toUnsignedLong(nvmlValue_st.uiVal(value));
    }
    if (type == NvmlBindings.NVML_VALUE_TYPE_SIGNED_INT()) {
      return (long) nvmlValue_st.siVal(value);
    }
    if (type == NvmlBindings.NVML_VALUE_TYPE_UNSIGNED_SHORT()) {
      return (long) Short.toUnsignedInt(nvmlValue_st.usVal(value));
    }
    return nvmlValue_st.ullVal(value);
  }
}
