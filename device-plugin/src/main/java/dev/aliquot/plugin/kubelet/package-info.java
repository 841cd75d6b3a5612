/** The kubelet's sockets and files: registering with it, asking it who has what. */
@NullMarked
package dev.aliquot.plugin.kubelet;

import org.jspecify.annotations.NullMarked;
