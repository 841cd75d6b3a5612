package dev.aliquot.plugin.ledger;

import dev.aliquot.plugin.node.Grant;
import dev.aliquot.plugin.node.PodContainer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A container may start, as far as the ledger goes.
 *
 * @param before whom the grant was bound to before; null where to nobody
 * @param ended keys of grants whose containers have ended, as this one's start shows
 */
public record Start(
    Grant grant, PodContainer container, @Nullable PodContainer before, List<String> ended) {}
