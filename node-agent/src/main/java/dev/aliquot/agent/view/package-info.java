/**
 * What the agent tells about itself: immutable records, the one source of the HTTP API, the
 * metrics, {@code status} and {@code top}. Byte figures are bytes of device memory. Field names are
 * the API's.
 */
@NullMarked
package dev.aliquot.agent.view;

import org.jspecify.annotations.NullMarked;
