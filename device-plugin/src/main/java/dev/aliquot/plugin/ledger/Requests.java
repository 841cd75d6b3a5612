package dev.aliquot.plugin.ledger;

import dev.aliquot.plugin.unit.UnitId;
import java.util.Collection;
import java.util.SortedSet;
import java.util.TreeSet;

/** What can be asked for at all. */
final class Requests {
  private Requests() {}

  /**
   * Checks ids.
   *
   * @param devices how many the node has; 0 where none is known at the moment, which passes
   * @return them, sorted
   * @throws NeverException when they can never be served
   */
  static SortedSet<String> check(String resource, Collection<String> ids, int devices)
      throws NeverException {
    SortedSet<String> sorted = new TreeSet<>(ids);
    for (String id : sorted) {
      if (UnitId.parse(id).isEmpty()) {
        throw new NeverException(
            resource
                + ": \""
                + (id.length() > 80 ? id.substring(0, 80) + "..." : id)
                + "\" is no id of this plugin (<device>.<00 to 99>): another program offers the"
                + " resource on this node, or did before; stop it and create the pod again");
      }
    }
    int units = sorted.size();
    if (units == 0) {
      throw new NeverException(resource + ": no ids were given");
    }
    if (units > UnitId.PER_DEVICE && units % UnitId.PER_DEVICE != 0) {
      throw new NeverException(
          resource
              + ": "
              + units
              + " is neither a part of one device nor a number of whole devices: ask for 1 to 100"
              + " (hundredths of a device), or for 200, 300 and so on (whole devices)");
    }
    if (devices > 0 && units > devices * UnitId.PER_DEVICE) {
      throw new NeverException(
          resource
              + ": "
              + units
              + " is "
              + units / UnitId.PER_DEVICE
              + " devices, and this node has "
              + devices);
    }
    return sorted;
  }
}
