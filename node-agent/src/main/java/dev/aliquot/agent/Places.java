package dev.aliquot.agent;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What of the host a container has to be given to be a tenant.
 *
 * @param state the agent's folder
 * @param pods has the folders of pods' tenants, named by their ids
 * @param libraries has the folders of libraries, also of earlier versions
 * @param preload files to preload, as the host has them, in order
 * @param simulatedNode the node's folder; null: the machine's own driver
 * @param environment what processes need beside what is preloaded
 */
public record Places(
    Path state,
    Path pods,
    Path libraries,
    List<Path> preload,
    @Nullable Path simulatedNode,
    Map<String, String> environment) {
  /** Copies. */
  public Places {
    preload = List.copyOf(preload);
    environment = Map.copyOf(environment);
  }
}
