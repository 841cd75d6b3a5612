package dev.aliquot.agent.tenant;

import dev.aliquot.agent.deep.DeepDriver;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What it takes to have contexts leave their devices.
 *
 * @param after how long a process is parked before; null: only by command
 */
public record DeepContext(DeepDriver driver, Settling settling, @Nullable Duration after) {}
