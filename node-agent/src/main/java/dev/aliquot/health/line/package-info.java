/**
 * What the NVIDIA driver writes to the kernel log about faults, read from text. Pure; knows no
 * device, no tenant and no table of codes. Line forms: NVIDIA/open-gpu-kernel-modules, kernel_rc.c
 * and osinit.c, and what older drivers print.
 */
@NullMarked
package dev.aliquot.health.line;

import org.jspecify.annotations.NullMarked;
