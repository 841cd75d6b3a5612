package dev.aliquot.plugin.node;

import java.util.List;
import java.util.SortedSet;

/**
 * What the kubelet has allocated to a container: so many units, hundredths of a device.
 *
 * @param key names it on this node: 16 hexadecimal digits that follow from the ids alone, so that
 *     who has lost everything else still finds it
 * @param ids the kubelet's ids
 * @param devices UUIDs of the devices that it has a part of; one, unless it has several whole ones
 * @param unitsPerDevice 1 to 100; 100 where there are several
 */
public record Grant(String key, SortedSet<String> ids, List<String> devices, int unitsPerDevice) {}
