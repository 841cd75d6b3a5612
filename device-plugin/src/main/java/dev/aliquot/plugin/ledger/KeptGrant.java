package dev.aliquot.plugin.ledger;

import dev.aliquot.plugin.node.Grant;
import dev.aliquot.plugin.node.PodContainer;
import org.jspecify.annotations.Nullable;

/**
 * A grant as it is shown, and kept on disk.
 *
 * @param holder whose container has been started with it; null where none has
 * @param passedOn whether it was an init container's that has handed its ids on
 */
public record KeptGrant(Grant grant, @Nullable PodContainer holder, boolean passedOn) {}
