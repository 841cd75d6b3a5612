package dev.aliquot.agent.config;

/**
 * A value as somebody wrote it.
 *
 * @param text the value
 * @param origin where it came from, for errors: "the flag --http-port", "/etc/aliquot.yaml line 3"
 */
record Given(String text, String origin) {}
