package dev.aliquot.agent.tenant;

import java.nio.file.Path;
import java.time.Duration;

/**
 * What tenants' processes need to know of the agent.
 *
 * @param epoch another one at every start
 * @param agentWait how long to wait while it is absent
 * @param roomWait how long an ask may wait for others to make room
 * @param cudaLibrary the driver's, full path
 * @param nvmlLibrary the driver's, full path
 */
public record AgentTraits(
    long epoch, Duration agentWait, Duration roomWait, Path cudaLibrary, Path nvmlLibrary) {}
