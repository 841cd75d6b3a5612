/** The demo: two tenants on one device, each claim checked. */
@NullMarked
package dev.aliquot.cli.demo;

import org.jspecify.annotations.NullMarked;
