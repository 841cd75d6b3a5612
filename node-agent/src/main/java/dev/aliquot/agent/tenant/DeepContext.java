package dev.aliquot.agent.tenant;

import dev.aliquot.agent.deep.DeepDriver;
import dev.aliquot.agent.process.MemoryRoom;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What it takes to have contexts leave their devices.
 *
 * @param memory for what the driver copies: the process is charged for that
 * @param after how long a process is parked before; null: only by command
 */
public record DeepContext(
    DeepDriver driver, Settling settling, MemoryRoom memory, @Nullable Duration after) {}
