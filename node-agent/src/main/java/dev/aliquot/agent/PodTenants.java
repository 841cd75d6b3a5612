package dev.aliquot.agent;

import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.agent.process.PodCgroup;
import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.state.PodBinding;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.agent.tenant.Tenant;
import dev.aliquot.agent.tenant.Tenants;
import dev.aliquot.residency.SwapMode;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tenants that are made for containers of pods, before these are started. Thread-safe. */
public final class PodTenants {
  private static final Logger LOG = LoggerFactory.getLogger(PodTenants.class);

  /** The processes of a container that has ended are gone within moments. */
  private static final Duration PATIENCE = Duration.ofSeconds(3);

  private static final Duration STEP = Duration.ofMillis(20);

  private final Inventory inventory;
  private final Tenants tenants;
  private final InstantSource clock;
  private final SwapMode swapMode;
  private final TenantOrders orders;
  private final ProcFs proc;

  /** One for many ids: who waits for the last process of one container keeps few others waiting. */
  private final Object[] locks = Stream.generate(Object::new).limit(64).toArray();

  /**
   * @param swapMode of tenants that do not say
   */
  PodTenants(
      Inventory inventory,
      Tenants tenants,
      ProcFs proc,
      InstantSource clock,
      SwapMode swapMode,
      TenantOrders orders) {
    this.proc = proc;
    this.inventory = inventory;
    this.tenants = tenants;
    this.clock = clock;
    this.swapMode = swapMode;
    this.orders = orders;
  }

  /**
   * Makes the tenant for a container that is about to be started, or readies the one that it has
   * for its next start. One that another container had under the same id has to be gone.
   *
   * @return what of it could not be had: the shares of one that exists stay as they are where there
   *     is no room for others; empty: nothing
   * @throws AgentException NO_ROOM and UNAVAILABLE with a sentence: it has to wait
   */
  public Optional<String> open(PodTenant wanted) throws AgentException {
    synchronized (lock(wanted.id())) {
      return opened(wanted);
    }
  }

  private Optional<String> opened(PodTenant wanted) throws AgentException {
    for (TenantRecord.Grant grant : wanted.grants()) {
      refuseWhereOut(grant.device());
    }
    Optional<Tenant> there = tenants.byId(wanted.id());
    if (there.isPresent() && isFor(there.get(), wanted)) {
      there.get().reopen(wanted.podUid());
      return wanted.provisional() ? Optional.empty() : reshare(there.get(), wanted.grants());
    }
    if (there.isPresent()) {
      replace(there.get());
    }
    orders.create(record(wanted));
    return Optional.empty();
  }

  /**
   * The container's shares are others from now on; ignored where the tenant is gone, or another has
   * its id by now.
   */
  public Optional<String> reshare(TenantRecord seen, List<TenantRecord.Grant> grants) {
    synchronized (lock(seen.id())) {
      return tenants
          .byId(seen.id())
          .filter(tenant -> tenant.record().created().equals(seen.created()))
          .flatMap(tenant -> reshare(tenant, grants));
    }
  }

  /** Ids of all of them. */
  public List<String> ids() {
    return tenants.all().stream()
        .map(Tenant::record)
        .filter(record -> record.binding() != null)
        .map(TenantRecord::id)
        .toList();
  }

  /** The tenants of a pod's containers. */
  public List<TenantRecord> of(String namespace, String pod) {
    return tenants.all().stream()
        .map(Tenant::record)
        .filter(record -> record.binding() != null)
        .filter(record -> record.namespace().equals(namespace) && record.pod().equals(pod))
        .toList();
  }

  /** Whether processes use the tenant. */
  public boolean isInUse(String id) {
    return tenants.byId(id).filter(Tenant::isInUse).isPresent();
  }

  /** Uids of the pods that any process on the machine is in. */
  public Set<String> livingPods() {
    return proc.pids().stream()
        .flatMap(pid -> proc.cgroup(pid).flatMap(PodCgroup::parse).stream())
        .map(PodCgroup::podUid)
        .collect(Collectors.toUnmodifiableSet());
  }

  /** The tenant goes with its last process; unknown ids are ignored. */
  public void end(String id) {
    tenants.byId(id).ifPresent(tenants::end);
  }

  private boolean isFor(Tenant tenant, PodTenant wanted) {
    TenantRecord record = tenant.record();
    return !tenant.isEnding()
        && wanted.isOf(record)
        && (wanted.provisional() || wanted.isLike(record, swapMode) || tenant.isInUse());
  }

  private Object lock(String id) {
    return locks[Math.floorMod(id.hashCode(), locks.length)];
  }

  private Optional<String> reshare(Tenant tenant, List<TenantRecord.Grant> grants) {
    if (tenant.record().grants().equals(grants)) {
      return Optional.empty();
    }
    try {
      orders.resize(tenant, grants);
      return Optional.empty();
    } catch (AgentException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  private void refuseWhereOut(String uuid) throws AgentException {
    Device device =
        inventory
            .find(uuid)
            .orElseThrow(
                () ->
                    unavailable(
                        "device "
                            + uuid
                            + " is not there: the container waits until this node has it again"));
    if (device.facts().totalBytes() == 0 || !device.verdict().state().takesTenants()) {
      throw unavailable(
          "device "
              + uuid
              + " takes no tenants ("
              + device.health().reason()
              + "): the container waits until it does");
    }
  }

  /** Ends who has the id, and waits for a moment until it is gone. */
  private void replace(Tenant old) throws AgentException {
    TenantRecord record = old.record();
    LOG.info("tenant {} ({}) makes room for the next of its id", record.id(), record.name());
    tenants.end(old);
    long until = System.nanoTime() + PATIENCE.toNanos();
    while (tenants.byId(record.id()).isPresent()) {
      if (System.nanoTime() - until >= 0) {
        throw unavailable(
            "processes of "
                + record.name()
                + ", which had this share before, are still there:"
                + " the container waits until they are gone");
      }
      pause();
      tenants.end(old);
    }
  }

  private static void pause() throws AgentException {
    try {
      Thread.sleep(STEP);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AgentException(AgentException.Kind.UNAVAILABLE, "the agent is stopping", e);
    }
  }

  private TenantRecord record(PodTenant wanted) {
    String name = PodNames.name(wanted.path());
    boolean taken = tenants.find(name).isPresent();
    return new TenantRecord(
        wanted.id(),
        taken ? PodNames.again(wanted.path(), wanted.id()) : name,
        wanted.namespace(),
        wanted.pod(),
        wanted.container(),
        clock.instant(),
        0,
        0,
        0,
        0,
        null,
        PodBinding.waiting(wanted.podUid(), wanted.units()),
        true,
        wanted.swap() == null ? swapMode : wanted.swap(),
        wanted.priority(),
        0,
        wanted.grants());
  }

  private static AgentException unavailable(String sentence) {
    return new AgentException(AgentException.Kind.UNAVAILABLE, sentence);
  }
}
