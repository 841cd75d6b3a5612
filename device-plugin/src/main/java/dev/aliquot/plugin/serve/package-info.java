/** What the kubelet calls. */
@NullMarked
package dev.aliquot.plugin.serve;

import org.jspecify.annotations.NullMarked;
