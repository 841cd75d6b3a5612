package dev.aliquot.agent.bypass;

import java.time.Instant;

/**
 * A process that is not accounted for, as it stands now.
 *
 * @param sighting the last one
 * @param device UUID
 * @param cgroup its path, or empty
 * @param since when it was first seen
 * @param action what was done about it and, where it could not be done, why
 */
public record Finding(
    Sighting sighting, String device, String cgroup, Instant since, String action) {

  /** The tenant's id; empty for a stranger. */
  public String tenant() {
    var tenant = sighting.tenant();
    return tenant == null ? "" : tenant.id();
  }

  /** For people: who it is and what is wrong with it. */
  String text() {
    var tenant = sighting.tenant();
    return "process %d (%s) of %s holds %d MiB of device %s %s"
        .formatted(
            sighting.id().pid(),
            sighting.command(),
            tenant == null
                ? "no tenant" + (cgroup.isEmpty() ? "" : ", cgroup " + cgroup)
                : "tenant "
                    + tenant.id()
                    + " ("
                    + tenant.name()
                    + (tenant.container().isEmpty()
                        ? ""
                        : ", container "
                            + tenant.namespace()
                            + "/"
                            + tenant.pod()
                            + "/"
                            + tenant.container())
                    + ")",
            sighting.bytes() >> 20,
            device,
            sighting.kind().sentence());
  }
}
