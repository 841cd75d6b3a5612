package dev.aliquot.agent.bypass;

import dev.aliquot.agent.device.Device;
import java.util.List;

/** Takes what each reading shows. Called by one thread per device, never at once for one device. */
@FunctionalInterface
public interface Sightings {

  /** All that one good reading shows of a device; must not block. */
  void seen(Device device, List<Sighting> sightings);
}
