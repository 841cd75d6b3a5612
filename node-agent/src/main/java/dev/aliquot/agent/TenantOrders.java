package dev.aliquot.agent;

import dev.aliquot.agent.config.ByteSize;
import dev.aliquot.agent.limits.TenantLimits;
import dev.aliquot.agent.state.StateDir;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.agent.tenant.RefusedException;
import dev.aliquot.agent.tenant.Tenant;
import dev.aliquot.agent.tenant.Tenants;
import dev.aliquot.agent.view.TenantGrant;
import dev.aliquot.agent.view.TenantResize;
import dev.aliquot.agent.view.TenantSpec;
import dev.aliquot.linux.Identity;
import dev.aliquot.residency.SwapMode;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is done with tenants when somebody asks for it, in sentences where it cannot be.
 * Thread-safe.
 */
final class TenantOrders {
  private static final Logger LOG = LoggerFactory.getLogger(TenantOrders.class);
  private static final String STAYS_DEEP =
      " holds nothing on its devices, or has just failed to leave them: see aliquot status";

  private final StateDir state;
  private final Tenants tenants;
  private final TenantLimits limits;
  private final Admissions admissions;
  private final Map<String, String> environment;

  /**
   * @param environment what every tenant's processes need
   */
  TenantOrders(
      StateDir state,
      Tenants tenants,
      TenantLimits limits,
      Admissions admissions,
      Map<String, String> environment) {
    this.state = state;
    this.tenants = tenants;
    this.limits = limits;
    this.admissions = admissions;
    this.environment = environment;
  }

  /** See {@link Agent#createTenant}. */
  synchronized TenantGrant create(TenantSpec spec, Peer peer) throws AgentException {
    TenantRecord record = admissions.record(spec, peer);
    create(record);
    List<String> devices = record.grants().stream().map(TenantRecord.Grant::device).toList();
    Map<String, String> all = new LinkedHashMap<>(environment);
    all.put("ALIQUOT_TENANT_DIR", state.folder(record).toString());
    all.put("CUDA_VISIBLE_DEVICES", String.join(",", devices));
    return new TenantGrant(
        record.id(),
        record.name(),
        state.folder(record).toString(),
        devices,
        record.grants().getFirst().requestBytes(),
        all);
  }

  /** Makes a tenant that is described already. */
  synchronized void create(TenantRecord record) throws AgentException {
    String refusal = limits.admit(record).orElse("");
    if (!refusal.isEmpty()) {
      throw new AgentException(AgentException.Kind.UNAVAILABLE, refusal);
    }
    boolean made = false;
    try {
      tenants.create(record);
      made = true;
    } catch (RefusedException e) {
      throw new AgentException(
          e.nameTaken() ? AgentException.Kind.CONFLICT : AgentException.Kind.NO_ROOM,
          String.valueOf(e.getMessage()),
          e);
    } catch (IOException e) {
      throw new AgentException(
          AgentException.Kind.UNAVAILABLE,
          "the tenant's files cannot be made in " + state.folder(record) + ": " + e.getMessage(),
          e);
    } finally {
      if (!made) {
        limits.ended(record);
      }
    }
    LOG.info(
        "tenant {} ({}) has {} bytes of {}",
        record.id(),
        record.name(),
        record.grants().getFirst().requestBytes(),
        record.grants().stream().map(TenantRecord.Grant::device).toList());
  }

  /** See {@link Agent#resizeTenant}. */
  synchronized void resize(String idOrName, TenantResize change, Peer peer) throws AgentException {
    Tenant tenant = ownedBy(peer, idOrName, "resize");
    resize(tenant, admissions.resized(tenant.record(), change));
  }

  /** Changes a tenant's shares; the caller may. */
  synchronized void resize(Tenant tenant, List<TenantRecord.Grant> grants) throws AgentException {
    List<TenantRecord.Grant> before = tenant.record().grants();
    try {
      tenants.resize(tenant, grants);
      String refusal = limits.admit(tenant.record()).orElse("");
      if (!refusal.isEmpty()) {
        tenants.resize(tenant, before);
        throw new AgentException(AgentException.Kind.UNAVAILABLE, refusal);
      }
    } catch (RefusedException e) {
      throw new AgentException(AgentException.Kind.NO_ROOM, String.valueOf(e.getMessage()), e);
    } catch (IOException e) {
      throw new AgentException(
          AgentException.Kind.UNAVAILABLE, "the change cannot be kept: " + e.getMessage(), e);
    }
    LOG.info(
        "tenant {} ({}) has a request of {} bytes and a limit of {} from now on",
        tenant.id(),
        tenant.record().name(),
        grants.getFirst().requestBytes(),
        grants.getFirst().limitBytes());
  }

  /** See {@link Agent#swapTenant}. */
  void swap(String idOrName, SwapWay way, Peer peer) throws AgentException {
    Tenant tenant = ownedBy(peer, idOrName, "swap");
    TenantRecord record = tenant.record();
    if (way == SwapWay.IN) {
      tenants.swapIn(tenant);
    } else if (record.swap() == SwapMode.NEVER) {
      throw new AgentException(
          AgentException.Kind.INVALID,
          "tenant " + record.name() + " was started with --swap never: it stays on its device");
    } else if (!tenant.swapOut(way == SwapWay.OUT_DEEP)) {
      throw new AgentException(
          AgentException.Kind.INVALID,
          "tenant "
              + record.name()
              + (way == SwapWay.OUT_DEEP ? STAYS_DEEP : stays(record, pinned(tenant))));
    }
  }

  private static String pinned(Tenant tenant) {
    String pinned =
        tenant.views().stream()
            .flatMap(view -> view.swap().pinned().stream())
            .map(part -> ByteSize.shortText(part.bytes()) + " " + part.reason())
            .collect(Collectors.joining(", "));
    return pinned.isEmpty() ? "" : " (" + pinned + ")";
  }

  private static String stays(TenantRecord record, String pinned) {
    boolean borrows = record.grants().stream().anyMatch(grant -> grant.share().borrows());
    String what =
        borrows
            ? " holds nothing that moves" + pinned + ", or has just failed to move it"
            : " has no limit above its request, so its memory does not move by itself" + pinned;
    // most of what is pinned the driver cannot take off either
    return what
        + (pinned.isEmpty()
            ? ": with --deep the driver takes all of it off the device"
            : ": see aliquot status");
  }

  /** See {@link Agent#endTenant}. */
  void end(String idOrName, Peer peer) throws AgentException {
    tenants.end(ownedBy(peer, idOrName, "end"));
  }

  private Tenant ownedBy(Peer peer, String idOrName, String what) throws AgentException {
    Tenant tenant =
        tenants
            .find(idOrName)
            .orElseThrow(
                () ->
                    new AgentException(
                        AgentException.Kind.NOT_FOUND,
                        "there is no tenant '" + idOrName + "': see aliquot status"));
    int owner = tenant.record().uid();
    if (peer.uid() != owner && peer.uid() != 0 && peer.uid() != Identity.effectiveUserId()) {
      throw new AgentException(
          AgentException.Kind.FORBIDDEN,
          "tenant "
              + tenant.record().name()
              + " belongs to user "
              + owner
              + ", who may "
              + what
              + " it");
    }
    return tenant;
  }
}
