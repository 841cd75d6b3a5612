/**
 * What a cluster is told of a node, and asked to do about it: from how the node's devices stand.
 * Pure; time is given.
 */
@NullMarked
package dev.aliquot.health.node;

import org.jspecify.annotations.NullMarked;
