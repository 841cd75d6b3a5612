package dev.aliquot.plugin.ledger;

import java.util.List;

/**
 * What a comparison with the kubelet has changed.
 *
 * @param released keys whose containers are gone: the node is told
 * @param freed grants that the ledger has forgotten
 * @param adopted grants that it has learnt of
 */
public record Reconciled(List<String> released, int freed, int adopted) {}
