/**
 * How a device stands: what faults and the device itself say, put together to one state, and the
 * way back to healthy. Pure; time is given.
 */
@NullMarked
package dev.aliquot.health.device;

import org.jspecify.annotations.NullMarked;
