/** Which device, and which ids, a request should have. Pure. */
@NullMarked
package dev.aliquot.plugin.placement;

import org.jspecify.annotations.NullMarked;
