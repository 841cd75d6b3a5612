/**
 * Containers of pods as tenants: the node as the kubelet's device plugin sees it. Above the agent;
 * loaded only where a plugin is served.
 */
@NullMarked
package dev.aliquot.agent.plugin;

import org.jspecify.annotations.NullMarked;
