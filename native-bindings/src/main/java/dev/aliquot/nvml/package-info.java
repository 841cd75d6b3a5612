/**
 * NVML as Java: {@link dev.aliquot.nvml.Nvml} opens one library file, {@link
 * dev.aliquot.nvml.NvmlDevice} asks about one device, {@link dev.aliquot.nvml.NvmlEventSet} waits
 * for events.
 *
 * <p>Contract of every call here: it blocks for as long as NVML does (a lost device can make that
 * long, so a caller isolates devices from each other by thread); it is thread-safe; "not supported"
 * by the device and "not known" to an older driver are empty results; any other failure is an
 * {@link dev.aliquot.nvml.NvmlException}. Callers tell devices apart by UUID: NVML's handles stay
 * inside and die with their {@code Nvml}.
 *
 * <p>Where NVML has versions of a call, the newest that the library has is used: memory v2 then v1,
 * process lists v3 then v2. Drivers from 535 on are supported.
 *
 * <p>Source of facts: nvml.h of NVML 13.3 (see jextract/README.md).
 */
@NullMarked
package dev.aliquot.nvml;

import org.jspecify.annotations.NullMarked;
