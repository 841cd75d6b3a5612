/**
 * The kubelet's device plugin: fractions of devices as a resource. Knows no cluster and no tenants;
 * what it needs of the node is in {@code node}.
 */
@NullMarked
package dev.aliquot.plugin;

import org.jspecify.annotations.NullMarked;
