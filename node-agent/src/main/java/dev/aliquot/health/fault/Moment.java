package dev.aliquot.health.fault;

import java.time.Instant;

/**
 * When something happened.
 *
 * @param time by the clock of this machine, which may jump
 * @param nanos by the clock that does not
 */
public record Moment(Instant time, long nanos) {}
