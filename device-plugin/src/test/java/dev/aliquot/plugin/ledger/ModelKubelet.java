package dev.aliquot.plugin.ledger;

import dev.aliquot.plugin.kubelet.PodSpec;
import dev.aliquot.plugin.node.Grant;
import dev.aliquot.plugin.node.NodeDevice;
import dev.aliquot.plugin.pod.CheckpointEntry;
import dev.aliquot.plugin.pod.Holders;
import dev.aliquot.plugin.pod.ListedContainer;
import dev.aliquot.plugin.unit.UnitId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * A kubelet without sockets, for sequences of many thousand pods: it takes and hands on ids as one
 * does, and keeps its own account of what runs where, by what it was granted.
 */
final class ModelKubelet {
  /** A container with its ids; the grant is what the ledger made of them. */
  static final class Running {
    final PodSpec pod;
    final PodSpec.Container spec;
    final SortedSet<String> ids;
    final Grant grant;
    boolean runs;

    Running(PodSpec pod, PodSpec.Container spec, SortedSet<String> ids, Grant grant) {
      this.pod = pod;
      this.spec = spec;
      this.ids = ids;
      this.grant = grant;
    }
  }

  private final Ledger ledger;
  private final List<NodeDevice> devices;
  private final Random random;

  /** How many of a hundred allocations do not follow what is preferred. */
  private final int stubborn;

  private final Map<String, List<Running>> pods = new LinkedHashMap<>();
  private final Map<String, Integer> uses = new LinkedHashMap<>();
  private final Set<String> all = new LinkedHashSet<>();
  private boolean forgetful;
  long nowNanos = 1;

  ModelKubelet(Ledger ledger, List<NodeDevice> devices, Random random, int stubborn) {
    this.ledger = ledger;
    this.devices = devices;
    this.random = random;
    this.stubborn = stubborn;
    for (NodeDevice device : devices) {
      for (int unit = 0; unit < UnitId.PER_DEVICE; unit++) {
        all.add(new UnitId(device.uuid(), unit).text());
      }
    }
  }

  int free() {
    return all.size() - uses.size();
  }

  Collection<String> pods() {
    return List.copyOf(pods.keySet());
  }

  List<Running> containers(String pod) {
    return pods.get(pod);
  }

  /** Allocates for all containers of a pod; false where there are not enough ids. */
  boolean add(PodSpec spec) throws NeverException {
    List<Running> containers = new ArrayList<>();
    Set<String> reusable = new TreeSet<>();
    pods.put(spec.name(), containers);
    for (PodSpec.Container container : spec.containers()) {
      Set<String> ids = choose(container.units(), reusable);
      if (ids.size() < container.units()) {
        delete(spec.name());
        return false;
      }
      ids.forEach(id -> uses.merge(id, 1, Integer::sum));
      Grant grant = ledger.allocate(ids, devices, ++nowNanos);
      containers.add(new Running(spec, container, new TreeSet<>(ids), grant));
      if (container.kind() == PodSpec.Kind.INIT) {
        reusable.addAll(ids);
      } else {
        reusable.removeAll(ids);
      }
    }
    return true;
  }

  /** Starts a container. */
  void start(Running container) throws NotYet {
    ledger.start(container.ids, holders(), devices, ++nowNanos);
    container.runs = true;
  }

  /** Starts a container, for which the node then cannot make what it needs. */
  Start startInVain(Running container) throws NotYet {
    Start start = ledger.start(container.ids, holders(), devices, ++nowNanos);
    ledger.takeBack(start, ++nowNanos);
    return start;
  }

  void delete(String pod) {
    for (Running container : pods.remove(pod)) {
      for (String id : container.ids) {
        uses.computeIfPresent(id, (k, count) -> count == 1 ? null : count - 1);
      }
    }
  }

  /** Has the ledger compare itself, as often as it takes. */
  Reconciled reconcile() {
    ledger.reconcile(holders(), Set.of(), Set.of(), devices, ++nowNanos);
    return ledger.reconcile(holders(), Set.of(), Set.of(), devices, ++nowNanos);
  }

  /** Whether its checkpoint can be read. */
  void setForgetful(boolean forgetful) {
    this.forgetful = forgetful;
  }

  /** Units of a device that run now, by the grants alone. */
  int running(String device) {
    return pods.values().stream()
        .flatMap(List::stream)
        .filter(container -> container.runs && container.grant.devices().contains(device))
        .mapToInt(container -> container.grant.unitsPerDevice())
        .sum();
  }

  Holders holders() {
    List<ListedContainer> listed = new ArrayList<>();
    List<CheckpointEntry> checkpoint = new ArrayList<>();
    pods.forEach(
        (name, containers) ->
            containers.forEach(
                container -> {
                  if (container.spec.kind() != PodSpec.Kind.INIT) {
                    listed.add(
                        new ListedContainer("default", name, container.spec.name(), container.ids));
                  }
                  if (!forgetful) {
                    checkpoint.add(
                        new CheckpointEntry(
                            container.pod.uid(),
                            container.spec.name(),
                            container.ids,
                            container.grant.devices()));
                  }
                }));
    return new Holders(listed, checkpoint);
  }

  private Set<String> choose(int needed, Set<String> reusable) {
    Set<String> chosen =
        shuffled(reusable).stream().limit(needed).collect(Collectors.toCollection(TreeSet::new));
    if (chosen.size() == needed) {
      return chosen;
    }
    List<String> available = new ArrayList<>();
    for (String id : all) {
      if (!uses.containsKey(id)) {
        available.add(id);
      }
    }
    Collections.shuffle(available, random);
    Set<String> offered = new HashSet<>(available);
    offered.addAll(chosen);
    List<String> order = available;
    if (random.nextInt(100) >= stubborn) {
      order =
          new ArrayList<>(ledger.prefer(ledger.offered(offered), offered, chosen, needed, devices));
      order.addAll(available);
    }
    for (String id : order) {
      if (chosen.size() < needed && offered.contains(id)) {
        chosen.add(id);
      }
    }
    return chosen;
  }

  private List<String> shuffled(Collection<String> ids) {
    List<String> shuffled = new ArrayList<>(ids);
    Collections.shuffle(shuffled, random);
    return shuffled;
  }
}
