package dev.aliquot.plugin.pod;

import java.util.SortedSet;

/**
 * A container of an active pod, as pod-resources lists it. Ordinary init containers are not listed.
 *
 * @param ids those of this plugin's resource; empty where it has none, or where the kubelet has
 *     forgotten them
 */
public record ListedContainer(
    String namespace, String pod, String container, SortedSet<String> ids) {}
