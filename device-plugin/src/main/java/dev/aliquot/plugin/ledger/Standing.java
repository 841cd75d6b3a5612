package dev.aliquot.plugin.ledger;

import dev.aliquot.plugin.node.PodContainer;
import org.jspecify.annotations.Nullable;

/**
 * How a grant stands with containers: all of it that a start changes.
 *
 * @param holder whose container has been started with it; null where none has
 * @param passedOn whether it was an init container's that has handed its ids on
 * @param awaited whether its ids were allocated again while somebody had been started with them
 * @param leaving whether its container is gone, and processes still use it
 */
public record Standing(
    @Nullable PodContainer holder, boolean passedOn, boolean awaited, boolean leaving) {}
