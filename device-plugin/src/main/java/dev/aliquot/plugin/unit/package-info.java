/** The kubelet's ids, hundredths of a device, and the names of grants that follow from them. */
@NullMarked
package dev.aliquot.plugin.unit;

import org.jspecify.annotations.NullMarked;
