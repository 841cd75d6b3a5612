/**
 * The part of the CUDA driver that an agent uses, as Java: {@link dev.aliquot.cuda.CudaDriver}
 * opens one library file; devices, memory chunks that are shared by file descriptor, and the
 * checkpoint calls hang off it. Nothing here creates a CUDA context, so it takes no device memory
 * but for chunks that are asked for on a device.
 *
 * <p>Contract: calls are thread-safe; what the driver does not support or an older one does not
 * know is an empty result; any other failure is a {@link dev.aliquot.cuda.CudaException}. The
 * driver stays initialised until the JVM ends.
 *
 * <p>Source of facts: cuda.h of CUDA 13.0 (see jextract/README.md).
 */
@NullMarked
package dev.aliquot.cuda;

import org.jspecify.annotations.NullMarked;
