package dev.aliquot.agent.config;

import java.util.function.Function;

/**
 * How the text of a value becomes the value.
 *
 * @param name the word for it in the reference page
 * @param parse throws IllegalArgumentException with a sentence that names the text and what is
 *     allowed
 */
record ConfigType<T>(String name, Function<String, T> parse) {}
