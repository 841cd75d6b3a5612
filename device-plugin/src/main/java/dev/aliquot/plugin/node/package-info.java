/** What the plugin needs of the node it runs on, and what it tells it. Knows nothing of gRPC. */
@NullMarked
package dev.aliquot.plugin.node;

import org.jspecify.annotations.NullMarked;
