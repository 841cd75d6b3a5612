package dev.aliquot.plugin.kubelet;

import java.util.List;

/**
 * A call that the stand-in made.
 *
 * @param ids in the order in which they were sent
 */
public record StandInCall(String method, List<String> ids) {}
