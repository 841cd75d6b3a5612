package dev.aliquot.plugin.ledger;

import dev.aliquot.plugin.node.Grant;
import dev.aliquot.plugin.node.PodContainer;
import java.util.List;

/**
 * A container may start, as far as the ledger goes.
 *
 * @param before how the grant stood before
 * @param ended keys of grants whose containers have ended, as this one's start shows
 */
public record Start(Grant grant, PodContainer container, Standing before, List<String> ended) {}
