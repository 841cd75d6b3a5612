/**
 * The kernel log as records: /dev/kmsg, or a file that grows. What the records mean is for others
 * to say.
 */
@NullMarked
package dev.aliquot.agent.kmsg;

import org.jspecify.annotations.NullMarked;
