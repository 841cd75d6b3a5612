/** What the plugin has done, in figures. */
@NullMarked
package dev.aliquot.plugin.count;

import org.jspecify.annotations.NullMarked;
