/** What a pod's annotations ask for, beside the units of its resource. Pure. */
@NullMarked
package dev.aliquot.plugin.annotation;

import org.jspecify.annotations.NullMarked;
