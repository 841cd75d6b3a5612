/**
 * Administration over a unix socket: tenants are made and ended here, by root, the agent's own user
 * and the administration group only.
 */
@NullMarked
package dev.aliquot.agent.admin;

import org.jspecify.annotations.NullMarked;
