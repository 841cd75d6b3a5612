package dev.aliquot.agent.tenant;

import dev.aliquot.ledger.OverheadRule;

/**
 * What one process reported before ground truth was read.
 *
 * @param hot whether its contexts were on its devices
 */
record Report(Member member, OverheadRule.Claim claim, boolean hot) {}
