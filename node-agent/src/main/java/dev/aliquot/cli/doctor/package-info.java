/** What this machine can do, and what to do about each lack. */
@NullMarked
package dev.aliquot.cli.doctor;

import org.jspecify.annotations.NullMarked;
