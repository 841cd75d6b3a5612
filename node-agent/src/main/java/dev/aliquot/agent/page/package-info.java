/**
 * The two pages that a tenant shares with the agent, as interposer/src/main/c/protocol.h lays them
 * out.
 */
@NullMarked
package dev.aliquot.agent.page;

import org.jspecify.annotations.NullMarked;
