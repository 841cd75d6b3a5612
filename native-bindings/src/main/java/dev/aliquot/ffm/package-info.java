/**
 * The one place that opens a native library and links its functions; used by the facades {@code
 * dev.aliquot.nvml}, {@code dev.aliquot.cuda} and {@code dev.aliquot.linux}, not by their callers.
 *
 * <p>Struct layouts, constants and function signatures come from jextract's output in {@code
 * dev.aliquot.bindings}. Its own functions are not called, for three reasons: they look symbols up
 * in whatever the class loader has loaded, so one JVM could not hold two libraries (two drivers in
 * a test, the real and the simulated one in a benchmark); a symbol that an older driver lacks
 * surfaces there as an ExceptionInInitializerError and then as NoClassDefFoundError; and even
 * reading a function's descriptor there triggers that lookup. So {@link
 * dev.aliquot.ffm.NativeLibrary} opens an explicit file, keeps a lookup of its own, and derives
 * each descriptor from the generated Java method of the same name, which reflection reads without
 * touching the symbol. Nothing about a C signature is written twice.
 *
 * <p>A library stays open until the JVM ends: the driver's libraries have threads and exit handlers
 * of their own and are not made to be unloaded.
 */
@NullMarked
package dev.aliquot.ffm;

import org.jspecify.annotations.NullMarked;
