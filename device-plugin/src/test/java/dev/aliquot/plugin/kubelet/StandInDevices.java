package dev.aliquot.plugin.kubelet;

import dev.aliquot.plugin.kubelet.StandInCheckpoint.Entry;
import dev.aliquot.plugin.proto.deviceplugin.AllocateResponse;
import dev.aliquot.plugin.proto.deviceplugin.ContainerAllocateResponse;
import dev.aliquot.plugin.proto.deviceplugin.Device;
import dev.aliquot.plugin.proto.deviceplugin.ListAndWatchResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.LongSupplier;

/**
 * The kubelet's device manager: which ids a resource has, and which container of which pod has
 * which of them. Thread-safe; who allocates does so alone, and nothing else waits for it.
 */
final class StandInDevices {
  /** How long a resource is kept whose plugin is gone. */
  private static final Duration STOP_GRACE = Duration.ofMinutes(5);

  private final StandInBehaviour behaviour;
  private final Random random;
  private final LongSupplier nanos;
  private final StandInCheckpoint checkpoint;
  private final Map<String, StandInEndpoint> endpoints = new HashMap<>();
  private final Map<String, Map<String, Device>> devices = new HashMap<>();

  /** Resources whose plugin is gone: all their devices are unhealthy. */
  private final Set<String> stopped = new LinkedHashSet<>();

  /** When the plugin of a resource went, if no other has come since; nanoseconds. */
  private final Map<String, Long> stoppedNanos = new HashMap<>();

  private final Map<List<String>, Entry> entries = new LinkedHashMap<>();
  private boolean closed;

  StandInDevices(
      StandInBehaviour behaviour, Random random, LongSupplier nanos, StandInCheckpoint checkpoint) {
    this.behaviour = behaviour;
    this.random = random;
    this.nanos = nanos;
    this.checkpoint = checkpoint;
    for (Entry entry : checkpoint.read()) {
      entries.put(key(entry.podUid(), entry.container(), entry.resource()), entry);
    }
  }

  /** A plugin was taken; the newer wins. */
  synchronized void connected(String resource, StandInEndpoint endpoint) {
    endpoints.put(resource, endpoint);
    stoppedNanos.remove(resource);
  }

  synchronized void listed(String resource, ListAndWatchResponse list) {
    Map<String, Device> now = new LinkedHashMap<>();
    list.getDevicesList().forEach(device -> now.put(device.getID(), device));
    devices.put(resource, now);
    stopped.remove(resource);
    write();
  }

  /** The stream of any instance has ended: the newest is given up, whichever it was. */
  synchronized void disconnected(String resource) {
    StandInEndpoint endpoint = endpoints.get(resource);
    if (endpoint != null) {
      endpoint.close();
      stoppedNanos.put(resource, nanos.getAsLong());
    }
    stopped.add(resource);
    write();
  }

  /** What a report to the cluster begins with: resources whose plugin is gone for good are too. */
  synchronized void removeStopped() {
    Set<String> gone = new TreeSet<>(stoppedNanos.keySet());
    gone.removeIf(
        resource ->
            nanos.getAsLong() - stoppedNanos.getOrDefault(resource, 0L) <= STOP_GRACE.toNanos());
    endpoints.keySet().removeAll(gone);
    devices.keySet().removeAll(gone);
    stopped.removeAll(gone);
    stoppedNanos.keySet().removeAll(gone);
    if (!gone.isEmpty()) {
      write();
    }
  }

  synchronized int capacity(String resource) {
    return endpoints.containsKey(resource) ? devices.getOrDefault(resource, Map.of()).size() : 0;
  }

  /** Ids that are healthy, of a plugin that is there. */
  synchronized SortedSet<String> healthy(String resource) {
    SortedSet<String> healthy = new TreeSet<>();
    if (endpoints.containsKey(resource) && !stopped.contains(resource)) {
      devices
          .getOrDefault(resource, Map.of())
          .forEach(
              (id, device) -> {
                if (device.getHealth().equals("Healthy")) {
                  healthy.add(id);
                }
              });
    }
    return healthy;
  }

  /** Ids that some entry has. */
  synchronized SortedSet<String> allocated(String resource) {
    SortedSet<String> allocated = new TreeSet<>();
    entries.values().stream()
        .filter(entry -> entry.resource().equals(resource))
        .forEach(entry -> allocated.addAll(entry.ids()));
    return allocated;
  }

  synchronized Entry entry(String podUid, String container, String resource) {
    return entries.get(key(podUid, container, resource));
  }

  /** The kubelet forgets ended pods when it next allocates. */
  synchronized void forgetAllBut(Collection<String> activePodUids) {
    entries.values().removeIf(entry -> !activePodUids.contains(entry.podUid()));
  }

  /**
   * Allocates for one container.
   *
   * @param reusable ids of init containers that have been handed back
   */
  Entry allocate(String podUid, String container, String resource, int needed, Set<String> reusable)
      throws StandInException {
    StandInEndpoint endpoint = endpoint(resource);
    if (healthy(resource).isEmpty()) {
      throw new StandInException(
          "no healthy devices present; cannot allocate unhealthy devices " + resource);
    }
    Set<String> ids = choose(resource, endpoint, needed, reusable);
    AllocateResponse response;
    try {
      response = endpoint.allocate(ids);
    } catch (StandInException e) {
      throw new StandInException("Allocate failed due to " + e.getMessage());
    }
    if (response.getContainerResponsesCount() == 0) {
      throw new StandInException(
          "Allocate failed due to no containers return in allocation" + " response " + response);
    }
    return record(podUid, container, resource, ids, response.getContainerResponses(0));
  }

  private synchronized StandInEndpoint endpoint(String resource) throws StandInException {
    StandInEndpoint endpoint = endpoints.get(resource);
    if (endpoint == null) {
      throw new StandInException("cannot allocate unregistered device " + resource);
    }
    return endpoint;
  }

  private synchronized Entry record(
      String podUid,
      String container,
      String resource,
      Set<String> ids,
      ContainerAllocateResponse response) {
    Map<Integer, SortedSet<String>> byNuma = new TreeMap<>();
    for (String id : ids) {
      byNuma.computeIfAbsent(numa(resource, id), k -> new TreeSet<>()).add(id);
    }
    Entry entry = new Entry(podUid, container, resource, byNuma, response);
    entries.put(key(podUid, container, resource), entry);
    write();
    return entry;
  }

  /** Called before each start; by each pod for itself. */
  static void preStart(StandInEndpoint endpoint, Entry entry) throws StandInException {
    if (endpoint.options().getPreStartRequired()) {
      endpoint.preStart(entry.ids());
    }
  }

  /** The plugin to call before a start. */
  synchronized StandInEndpoint running(String resource) throws StandInException {
    StandInEndpoint endpoint = endpoints.get(resource);
    if (endpoint == null) {
      throw new StandInException(
          "endpoint not found in cache for a registered resource: " + resource);
    }
    if (stoppedNanos.containsKey(resource)) {
      throw new StandInException("endpoint " + resource + " has been stopped");
    }
    return endpoint;
  }

  private Set<String> choose(
      String resource, StandInEndpoint endpoint, int needed, Set<String> reusable)
      throws StandInException {
    Set<String> chosen = new LinkedHashSet<>();
    take(chosen, shuffled(reusable), needed);
    if (chosen.size() == needed) {
      return chosen;
    }
    SortedSet<String> available = healthy(resource);
    available.removeAll(allocated(resource));
    if (available.size() < needed - chosen.size()) {
      throw new StandInException(
          "requested number of devices unavailable for "
              + resource
              + ". Requested: "
              + (needed - chosen.size())
              + ", Available: "
              + available.size());
    }
    SortedSet<String> aligned = aligned(resource, available, needed - chosen.size());
    if (endpoint.options().getGetPreferredAllocationAvailable()) {
      Set<String> offered = new TreeSet<>(aligned);
      offered.addAll(chosen);
      List<String> preferred = endpoint.preferred(offered, chosen, needed);
      // What does not exist, or is not free, is ignored.
      take(chosen, preferred.stream().filter(id -> aligned.contains(id)).toList(), needed);
    }
    take(chosen, shuffled(aligned), needed);
    return chosen;
  }

  /** With the topology manager's policy "restricted": those of one NUMA node that has enough. */
  private SortedSet<String> aligned(String resource, SortedSet<String> available, int needed)
      throws StandInException {
    if (!behaviour.restricted()) {
      return available;
    }
    Map<Integer, SortedSet<String>> byNuma = new TreeMap<>();
    for (String id : available) {
      byNuma.computeIfAbsent(numa(resource, id), k -> new TreeSet<>()).add(id);
    }
    boolean none = byNuma.keySet().equals(Set.of(-1)) && hasNoTopology(resource);
    for (Map.Entry<Integer, SortedSet<String>> there : byNuma.entrySet()) {
      if ((none || behaviour.numaNodes().contains(there.getKey()))
          && there.getValue().size() >= needed) {
        return there.getValue();
      }
    }
    throw new StandInException(
        "TopologyAffinityError: Resources cannot be allocated with Topology locality");
  }

  private synchronized boolean hasNoTopology(String resource) {
    return devices.getOrDefault(resource, Map.of()).values().stream()
        .noneMatch(Device::hasTopology);
  }

  private synchronized int numa(String resource, String id) {
    Device device = devices.getOrDefault(resource, Map.of()).get(id);
    return device == null || device.getTopology().getNodesCount() == 0
        ? -1
        : (int) device.getTopology().getNodes(0).getID();
  }

  /** What a kubelet does that ends: its connections are closed. */
  synchronized void close() {
    closed = true;
    endpoints.values().forEach(StandInEndpoint::close);
  }

  /** Nothing is written any more by one that has ended. */
  private void write() {
    if (closed) {
      return;
    }
    Map<String, SortedSet<String>> healthy = new TreeMap<>();
    devices.keySet().forEach(resource -> healthy.put(resource, healthy(resource)));
    checkpoint.write(entries.values(), healthy);
  }

  private List<String> shuffled(Collection<String> ids) {
    List<String> shuffled = new ArrayList<>(ids);
    synchronized (random) {
      Collections.shuffle(shuffled, random);
    }
    return shuffled;
  }

  private static void take(Set<String> chosen, List<String> from, int atMost) {
    for (String id : from) {
      if (chosen.size() < atMost) {
        chosen.add(id);
      }
    }
  }

  private static List<String> key(String podUid, String container, String resource) {
    return List.of(podUid, container, resource);
  }
}
