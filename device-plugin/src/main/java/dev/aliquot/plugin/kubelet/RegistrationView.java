package dev.aliquot.plugin.kubelet;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How registered the plugin is.
 *
 * @param way how; null where it is not
 * @param since how long it is or is not
 * @param streams how many lists of devices are being watched
 * @param lastError what went wrong last, also where it has been put right since; empty where
 *     nothing
 */
public record RegistrationView(@Nullable Way way, Duration since, int streams, String lastError) {}
