package dev.aliquot.plugin.node;

/**
 * A container of a pod.
 *
 * @param podUid as the kubelet knows it (its control groups have it in their names); empty where
 *     that could not be learnt
 */
public record PodContainer(String namespace, String pod, String podUid, String container) {}
