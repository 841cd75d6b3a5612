package dev.aliquot.cli.demo;

/**
 * Something the demo shows.
 *
 * @param holds whether it was seen to be true
 * @param sentence the claim, with the figures seen
 */
record Claim(boolean holds, String sentence) {}
