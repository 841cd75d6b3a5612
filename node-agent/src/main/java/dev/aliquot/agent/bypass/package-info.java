/**
 * What is on a device and not accounted for: found by ground truth, named, and dealt with as the
 * configuration says.
 */
@NullMarked
package dev.aliquot.agent.bypass;

import org.jspecify.annotations.NullMarked;
