/**
 * Finds faults of devices within moments: the kernel log, NVML's events and what each device says
 * when asked are put together, whoever is to blame is named, and each device's state follows.
 * Sources run on threads of their own, so that one that hangs holds up no other.
 */
@NullMarked
package dev.aliquot.agent.health;

import org.jspecify.annotations.NullMarked;
