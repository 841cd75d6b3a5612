/**
 * The few Linux calls that Java lacks: pidfds, poll, eventfds, devices, execve, futexes, ownership,
 * ids, the monotonic clock.
 *
 * <p>Each failing call throws a {@link dev.aliquot.linux.LinuxException} with the call, errno and a
 * sentence. Calls interrupted by a signal are taken up again. x86-64 and aarch64, glibc.
 */
@NullMarked
package dev.aliquot.linux;

import org.jspecify.annotations.NullMarked;
