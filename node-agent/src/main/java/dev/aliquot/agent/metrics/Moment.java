package dev.aliquot.agent.metrics;

import dev.aliquot.agent.AgentStats;
import dev.aliquot.agent.view.NodeView;

/** What one scrape is made from. */
record Moment(NodeView node, AgentStats stats) {}
