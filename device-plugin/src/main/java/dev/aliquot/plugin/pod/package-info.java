/** What the kubelet says about which container has which ids. Pure. */
@NullMarked
package dev.aliquot.plugin.pod;

import org.jspecify.annotations.NullMarked;
