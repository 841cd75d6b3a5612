package dev.aliquot.plugin.kubelet;

import dev.aliquot.plugin.proto.deviceplugin.ContainerAllocateResponse;

/**
 * What became of a container's start.
 *
 * @param error as in the container's waiting state; empty where it runs
 * @param given what the plugin once answered for it, as the kubelet has kept it
 */
public record ContainerStart(boolean runs, String error, ContainerAllocateResponse given) {}
