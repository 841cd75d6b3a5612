package dev.aliquot.plugin.ledger;

import dev.aliquot.plugin.node.Grant;
import dev.aliquot.plugin.node.NodeDevice;
import dev.aliquot.plugin.node.PodContainer;
import dev.aliquot.plugin.placement.Placement;
import dev.aliquot.plugin.placement.PreferredIds;
import dev.aliquot.plugin.pod.Holders;
import dev.aliquot.plugin.unit.GrantKey;
import dev.aliquot.plugin.unit.UnitId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Which ids are granted, on which device, to whom. The kubelet's own memory of it can be lost and
 * has no devices in it, so this one decides. Invariant: the containers that have been started never
 * have more than 100 units of a device together; allocations may, and then wait for their start in
 * the order in which they came. Thread-safe; every method takes microseconds to a few milliseconds.
 *
 * <p>Times are nanoseconds of one clock that does not jump.
 */
public final class Ledger {
  private final String resource;
  private final Placement placement;
  private final LedgerRules rules;
  private final Holdings holdings = new Holdings();
  private final Places places;
  private long lastSequence;
  private long changes;

  /**
   * @param resource its name in Kubernetes, for sentences
   */
  public Ledger(String resource, Placement placement, LedgerRules rules) {
    this.resource = resource;
    this.placement = placement;
    this.rules = rules;
    places = new Places(placement, holdings);
  }

  /**
   * Records what the kubelet has allocated, and decides which device it is on.
   *
   * @throws NeverException when it can never work
   */
  public synchronized Grant allocate(
      Collection<String> kubeletIds, List<NodeDevice> devices, long nowNanos)
      throws NeverException {
    SortedSet<String> ids = Requests.check(resource, kubeletIds, devices.size());
    Grant grant = enter(ids, places.choose(ids, devices), devices, nowNanos).grant;
    holdings.all().forEach(holding -> holding.over = false);
    return grant;
  }

  /** Keys of grants all of whose ids the kubelet says are free: it knows first that pods end. */
  public synchronized Set<String> offered(Collection<String> available) {
    Set<String> free = new HashSet<>(available);
    return holdings.all().stream()
        .filter(holding -> free.containsAll(holding.grant.ids()))
        .map(holding -> holding.grant.key())
        .collect(Collectors.toUnmodifiableSet());
  }

  /**
   * Which ids the kubelet should take: see {@link PreferredIds#choose}.
   *
   * @param over keys of grants whose ids are offered, and that nobody uses: their room counts as
   *     free for the one allocation that comes next, and for nothing else. Where the kubelet is
   *     wrong, which has lost its checkpoint, a start has to wait.
   */
  public synchronized List<String> prefer(
      Set<String> over,
      Collection<String> available,
      Collection<String> mustInclude,
      int size,
      List<NodeDevice> devices) {
    holdings.all().forEach(holding -> holding.over = over.contains(holding.grant.key()));
    return PreferredIds.choose(
        placement,
        devices,
        places.room(mustInclude),
        holdings::isHeld,
        available,
        mustInclude,
        size);
  }

  /**
   * A container with these ids is about to start: binds the grant to it, before anything is made
   * for it, so that two that start together do not both get the last room.
   *
   * @param kubelet what the kubelet says now
   * @throws NotYet when it has to wait
   */
  public synchronized Start start(
      Collection<String> kubeletIds, Holders kubelet, List<NodeDevice> devices, long nowNanos)
      throws NotYet {
    SortedSet<String> ids;
    try {
      ids = Requests.check(resource, kubeletIds, devices.size());
    } catch (NeverException e) {
      throw new NotYet(Wait.FOREIGN, String.valueOf(e.getMessage()));
    }
    PodContainer container = kubelet.holderOf(ids).orElse(null);
    if (container == null) {
      throw new NotYet(Wait.NOBODY, Sentences.nobody(resource, ids.size()));
    }
    Holding holding = holdings.get(GrantKey.of(ids));
    if (holding == null) {
      holding = enter(ids, places.recall(ids, kubelet, devices), devices, nowNanos);
    }
    Set<Holding> others = new Starts(holdings).othersThatLetGo(holding, container, kubelet);
    Standing before = holding.standing();
    Starts.checkHealth(holding.grant, devices);
    if (!Starts.isSamePod(before.holder(), container)) {
      new Starts(holdings).checkRoom(holding, others, devices);
    }
    List<String> ended = new ArrayList<>();
    for (Holding other : others) {
      letGo(other, holding, container);
      ended.add(other.grant.key());
    }
    holding.bind(container);
    holding.touchedNanos = nowNanos;
    holding.over = false;
    holding.idleSinceNanos = null;
    changes++;
    return new Start(holding.grant, container, before, ended);
  }

  /**
   * What was to be made for a start was not. The grant stands as if that start had never been, so
   * that the next one finds what this one found, and units of processes that live on stay counted.
   * The grants that the start ended stay ended, because their tenants are.
   */
  public synchronized void takeBack(Start start, long nowNanos) {
    Holding holding = holdings.get(start.grant().key());
    if (holding != null && start.container().equals(holding.holder)) {
      holding.restore(start.before());
      holding.touchedNanos = nowNanos;
      changes++;
    }
  }

  /** Keys of all grants. */
  public synchronized Set<String> keys() {
    Set<String> keys = new TreeSet<>();
    holdings.all().forEach(holding -> keys.add(holding.grant.key()));
    return keys;
  }

  /**
   * Compares with what the kubelet says: frees what nobody has, twice in a row, and takes up what
   * it did not know of.
   *
   * @param inUse keys of grants whose tenants have processes
   * @param living uids of pods that have processes
   * @param askedNanos when the kubelet was asked: what has changed since is left alone
   */
  public synchronized Reconciled reconcile(
      Holders kubelet,
      Set<String> inUse,
      Set<String> living,
      List<NodeDevice> devices,
      long askedNanos) {
    Reconciliation reconciliation = new Reconciliation(kubelet, inUse, living, rules, askedNanos);
    List<String> released = new ArrayList<>();
    int freed = 0;
    for (Holding holding : List.copyOf(holdings.all())) {
      Reconciliation.Fate fate = reconciliation.fateOf(holding);
      if (fate != Reconciliation.Fate.STAYS) {
        changes++;
        released.add(holding.grant.key());
      }
      if (fate == Reconciliation.Fate.GOES) {
        holdings.remove(holding);
        freed++;
      }
    }
    int adopted = 0;
    for (var listed : kubelet.listedWithIds()) {
      adopted += adopt(listed.ids(), kubelet, inUse, devices, askedNanos) ? 1 : 0;
    }
    return new Reconciled(released, freed, adopted);
  }

  /** Whether the kubelet does not list who has been started, so that it has to be looked for. */
  public synchronized boolean misses(Holders kubelet) {
    return holdings.all().stream()
        .anyMatch(holding -> holding.isBound() && !kubelet.isListed(holding.grant.ids()));
  }

  /** Whether a container has been started with a grant, and is there for all that is known. */
  public synchronized boolean isBound(String key) {
    Holding holding = holdings.get(key);
    return holding != null && holding.isBound() && !holding.leaving;
  }

  /** Takes up what an earlier agent kept; what is already known stays as it is. */
  public synchronized void restore(List<KeptGrant> kept, long nowNanos) {
    for (KeptGrant grant : kept) {
      if (holdings.get(grant.grant().key()) == null) {
        Holding holding = new Holding(grant.grant(), ++lastSequence, nowNanos);
        holding.holder = grant.holder();
        holding.passedOn = grant.passedOn();
        holdings.put(holding);
      }
    }
  }

  /** All grants in the order in which they came. */
  public synchronized List<KeptGrant> grants() {
    return holdings.all().stream()
        .map(holding -> new KeptGrant(holding.grant, holding.holder, holding.passedOn))
        .toList();
  }

  /** Grows whenever {@link #grants} changes. */
  public synchronized long changes() {
    return changes;
  }

  /**
   * Units of a device that are granted, those that were handed on counted once: of all {@link
   * #grants}, also of those that end soon.
   */
  public synchronized int used(String device) {
    return holdings.used(device, holding -> !holding.passedOn, Set.of());
  }

  /** Of those, the ones whose containers have been started. */
  public synchronized int usedByStarted(String device) {
    return holdings.used(device, Holding::isBound, Set.of());
  }

  private boolean adopt(
      SortedSet<String> listed,
      Holders kubelet,
      Set<String> inUse,
      List<NodeDevice> devices,
      long nowNanos) {
    if (holdings.get(GrantKey.of(listed)) != null) {
      return false;
    }
    try {
      SortedSet<String> ids = Requests.check(resource, listed, devices.size());
      Holding holding = enter(ids, places.recall(ids, kubelet, devices), devices, nowNanos);
      if (inUse.contains(holding.grant.key())) {
        holding.holder = kubelet.holderOf(ids).orElse(null);
      }
      return true;
    } catch (NeverException e) {
      return false;
    }
  }

  private void letGo(Holding other, Holding next, PodContainer container) {
    if (!Starts.isSamePod(other.holder, container)) {
      holdings.remove(other);
    } else {
      other.holder = null;
      other.passedOn = other.sequence < next.sequence;
    }
  }

  /**
   * Puts a grant in as the latest; one that is there keeps its holder and, if it can, its place.
   */
  private Holding enter(
      SortedSet<String> ids, List<String> chosen, List<NodeDevice> nodes, long nowNanos) {
    String key = GrantKey.of(ids);
    Holding known = holdings.get(key);
    // Whoever was started with these very ids may live on: it is still where it is. On a device
    // that
    // is broken nobody is started again.
    List<String> devices =
        known != null && known.isBound() && Places.areHealthy(known.grant.devices(), nodes)
            ? known.grant.devices()
            : chosen;
    Grant grant = new Grant(key, ids, devices, Math.min(ids.size(), UnitId.PER_DEVICE));
    Holding holding =
        known == null
            ? new Holding(grant, ++lastSequence, nowNanos)
            : known.renewed(grant, ++lastSequence, nowNanos);
    holdings.put(holding);
    changes++;
    return holding;
  }
}
