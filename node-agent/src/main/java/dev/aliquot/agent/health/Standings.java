package dev.aliquot.agent.health;

import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.health.device.Condition;
import dev.aliquot.health.device.DeviceBreaker;
import dev.aliquot.health.device.DeviceMachine;
import dev.aliquot.health.device.Verdict;
import dev.aliquot.health.fault.Repetition;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** How the node's devices stand, and what is kept of those that are not there. Not thread-safe. */
final class Standings {
  private final Map<String, Standing> there = new LinkedHashMap<>();
  private final DeviceBreaker breaker;

  /**
   * Of devices that are not there now, or whose UUID the driver does not say: they may come back.
   */
  private final Map<String, KeptDevice> absent;

  /** One device. */
  static final class Standing {
    final Device device;
    final DeviceMachine machine;
    final Repetition repetition = new Repetition();
    Instant cleared = Instant.EPOCH;
    Condition said = Condition.NOTHING_SAID;

    private Standing(Device device, Duration hold, DeviceBreaker breaker) {
      this.device = device;
      this.machine = new DeviceMachine(device.uuid(), hold, breaker);
    }

    private KeptDevice kept() {
      return new KeptDevice(machine.past(), cleared, KeptCondition.of(said));
    }
  }

  /**
   * @param hold how long nothing may be wrong before a device is trusted again
   * @param kept of devices, by UUID, from an agent before this one
   */
  Standings(
      Inventory inventory, Duration hold, DeviceBreaker breaker, Map<String, KeptDevice> kept) {
    this.breaker = breaker;
    this.absent = new LinkedHashMap<>(kept);
    for (Device device : inventory.devices()) {
      there.put(device.uuid(), new Standing(device, hold, breaker));
    }
  }

  /** Empty where it is not there. */
  Optional<Standing> of(String device) {
    return Optional.ofNullable(there.get(device));
  }

  Collection<Standing> all() {
    return there.values();
  }

  /** What an agent before this one knew of it; to be asked before {@link #restore}. */
  Optional<KeptDevice> before(String device) {
    return Optional.ofNullable(absent.get(device));
  }

  /** Carries on where an agent before this one ended; those that were out come first. */
  void restore(long nowNanos, BiConsumer<Standing, Verdict> decided) {
    List<String> known = new ArrayList<>(there.keySet());
    known.retainAll(absent.keySet());
    known.sort(Comparator.comparing(uuid -> takesTenants(absent.get(uuid))));
    for (String uuid : known) {
      KeptDevice before = absent.remove(uuid);
      Standing standing = there.get(uuid);
      if (before != null && standing != null) {
        standing.cleared = before.cleared();
        standing.said = before.condition();
        decided.accept(standing, standing.machine.restore(before.past(), standing.said, nowNanos));
      }
    }
  }

  private static boolean takesTenants(@Nullable KeptDevice kept) {
    return kept == null || kept.past().state().takesTenants();
  }

  /** What the next agent needs to know, by UUID. */
  Map<String, KeptDevice> kept() {
    Map<String, KeptDevice> kept = new LinkedHashMap<>(absent);
    there.forEach((uuid, standing) -> kept.put(uuid, standing.kept()));
    return kept;
  }

  /** As it is now, to try out what would happen. */
  DeviceBreaker breaker() {
    return breaker.copy();
  }

  /** How many devices take tenants only because a fault is held back. */
  int heldBack() {
    return (int) all().stream().filter(each -> each.machine.isHeldBack()).count();
  }

  /** A sentence for a person; empty where nothing is held back. */
  Optional<String> whyHeldBack() {
    String which =
        all().stream()
            .filter(each -> each.machine.isHeldBack())
            .map(each -> Integer.toString(each.device.facts().index()))
            .collect(Collectors.joining(", "));
    return which.isEmpty()
        ? Optional.empty()
        : Optional.of(
            breaker.rule()
                + ", and faults of others are held back (GPU "
                + which
                + "): look for what they have in common, and at health-catalogue");
  }
}
