/**
 * Tells a Kubernetes cluster how the node's devices are, and asks it to act where it is allowed to.
 * Nothing of it is loaded by an agent that is not told to.
 */
@NullMarked
package dev.aliquot.agent.kubernetes;

import org.jspecify.annotations.NullMarked;
