package dev.aliquot.plugin.node;

/**
 * A container of a pod. Whatever could not be learnt is empty: the kubelet lists no ordinary init
 * containers, so that of these now and then only the uid and the container are known, or only the
 * pod.
 *
 * @param podUid as the kubelet knows it (its control groups have it in their names)
 */
public record PodContainer(String namespace, String pod, String podUid, String container) {}
