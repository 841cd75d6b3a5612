package dev.aliquot.agent.tenant;

import dev.aliquot.ledger.OverheadRule;

/** What one process reported before ground truth was read. */
record Report(Member member, OverheadRule.Claim claim) {}
