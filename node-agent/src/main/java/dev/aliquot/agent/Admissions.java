package dev.aliquot.agent;

import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.agent.page.PageLayout;
import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.process.ProcessStat;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.agent.view.TenantResize;
import dev.aliquot.agent.view.TenantSpec;
import dev.aliquot.health.device.DeviceState;
import dev.aliquot.ledger.ByteText;
import dev.aliquot.residency.SwapMode;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Turns what was asked for into what can be allocated, or says what is wrong with it. Not
 * thread-safe.
 */
final class Admissions {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._/-]{0,62}");
  private static final long GRANULE_BYTES = 2L << 20;

  private final Inventory inventory;
  private final ProcFs proc;
  private final InstantSource clock;
  private final SwapMode swapMode;
  private long lastId;

  /**
   * @param swapMode of tenants that do not say
   */
  Admissions(Inventory inventory, ProcFs proc, InstantSource clock, SwapMode swapMode) {
    this.swapMode = swapMode;
    this.inventory = inventory;
    this.proc = proc;
    this.clock = clock;
  }

  TenantRecord record(TenantSpec spec, Peer peer) throws AgentException {
    Instant now = clock.instant();
    String id = nextId(now);
    String name = spec.name().isEmpty() ? id : spec.name();
    if (!NAME.matcher(name).matches()) {
      throw invalid(
          "'"
              + name
              + "' is no name for a tenant: use letters, digits, '.', '_', '/' and '-', at most 63, the first a letter or digit");
    }
    boolean container = !spec.container().isEmpty();
    ProcessStat root = root(spec, peer);
    String cgroup = container ? proc.cgroup(root.id().pid()).orElse(null) : null;
    return new TenantRecord(
        id,
        name,
        spec.namespace(),
        spec.pod(),
        spec.container(),
        now,
        proc.uid(root.id().pid()).orElse(peer.uid()),
        peer.gid(),
        root.id().pid(),
        root.id().startTime(),
        cgroup == null || cgroup.equals(ownCgroup()) || cgroup.equals("/") ? null : cgroup,
        null,
        container,
        spec.swap() == null ? swapMode : spec.swap(),
        spec.priority(),
        0,
        grants(spec));
  }

  private String ownCgroup() {
    return proc.cgroup((int) ProcessHandle.current().pid()).orElse("/");
  }

  /** Time in base 36: unique also over restarts, and never given out twice. */
  private String nextId(Instant now) {
    lastId = Math.max(lastId + 1, now.toEpochMilli());
    return "t" + Long.toString(lastId, 36);
  }

  private ProcessStat root(TenantSpec spec, Peer peer) throws AgentException {
    int pid = spec.rootPid() == 0 ? peer.pid() : spec.rootPid();
    ProcessStat root =
        proc.stat(pid)
            .filter(process -> !process.zombie())
            .orElseThrow(
                () ->
                    invalid(
                        pid <= 0
                            ? "the tenant's first process is not known: name it (rootPid)"
                            : "there is no process "
                                + pid
                                + ": name a running one as the tenant's first process"));
    int uid = proc.uid(pid).orElse(-1);
    if (peer.uid() != 0 && uid != peer.uid()) {
      throw new AgentException(
          AgentException.Kind.FORBIDDEN,
          "process "
              + pid
              + " belongs to user "
              + uid
              + ": only root may make a tenant of another user's process");
    }
    return root;
  }

  private List<TenantRecord.Grant> grants(TenantSpec spec) throws AgentException {
    Long memory = spec.memoryBytes();
    Integer percent = spec.fractionPercent();
    if ((memory == null) == (percent == null)) {
      throw invalid(
          "a tenant needs either an amount of memory or a fraction of the device, not both and not neither");
    }
    if (memory != null && memory <= 0) {
      throw invalid("an amount of memory is more than 0 bytes, not " + memory);
    }
    if (percent != null && (percent < 1 || percent > 100)) {
      throw invalid("a fraction is 1 to 100 percent of a device, not " + percent);
    }
    List<TenantRecord.Grant> grants = new ArrayList<>();
    for (Device device : devices(spec)) {
      long bytes = memory != null ? memory : fraction(device, percent == null ? 0 : percent);
      grants.add(grant(device, bytes, limit(device, spec, bytes)));
    }
    return grants;
  }

  /**
   * The grants of a tenant after a change: what the change does not name stays, except that a limit
   * is never less than the request.
   */
  List<TenantRecord.Grant> resized(TenantRecord record, TenantResize change) throws AgentException {
    List<TenantRecord.Grant> grants = new ArrayList<>();
    for (TenantRecord.Grant before : record.grants()) {
      Device device = device(before.device());
      long request =
          change.memoryBytes() != null
              ? change.memoryBytes()
              : change.fractionPercent() != null
                  ? fraction(device, change.fractionPercent())
                  : before.requestBytes();
      long limit =
          change.memoryLimitBytes() != null
              ? change.memoryLimitBytes()
              : change.fractionLimitPercent() != null
                  ? fraction(device, change.fractionLimitPercent())
                  : before.limitBytes() == before.requestBytes()
                      ? request
                      : Math.max(request, before.limitBytes());
      grants.add(grant(device, request, limit));
    }
    return grants;
  }

  private static long limit(Device device, TenantSpec spec, long requestBytes) {
    Integer percent = spec.fractionLimitPercent();
    return spec.memoryLimitBytes() != null
        ? spec.memoryLimitBytes()
        : percent != null ? fraction(device, percent) : requestBytes;
  }

  private static TenantRecord.Grant grant(Device device, long requestBytes, long limitBytes)
      throws AgentException {
    if (limitBytes < requestBytes) {
      throw invalid(
          "the limit of "
              + ByteText.of(limitBytes)
              + " is less than the request of "
              + ByteText.of(requestBytes)
              + ": a limit is the request or more");
    }
    return new TenantRecord.Grant(device.uuid(), requestBytes, limitBytes);
  }

  private static long fraction(Device device, int percent) {
    long bytes = Math.multiplyExact(device.book().capacityBytes(), (long) percent) / 100;
    return bytes - bytes % GRANULE_BYTES;
  }

  private static boolean isSuspect(Device device) {
    return device.verdict().state() == DeviceState.SUSPECT;
  }

  private static boolean fits(Device device, TenantSpec spec) {
    Long memory = spec.memoryBytes();
    Integer percent = spec.fractionPercent();
    long bytes = memory != null ? memory : fraction(device, percent == null ? 0 : percent);
    return bytes <= device.book().freeBytes();
  }

  private Set<Device> devices(TenantSpec spec) throws AgentException {
    if (spec.devices().isEmpty()) {
      return Set.of(
          inventory.devices().stream()
              .filter(device -> device.health().state().equals("healthy"))
              .max(
                  Comparator.comparing((Device device) -> fits(device, spec) && !isSuspect(device))
                      .thenComparing(device -> fits(device, spec))
                      .thenComparingLong(device -> device.book().freeBytes())
                      .thenComparingInt(device -> -device.facts().index()))
              .orElseThrow(
                  () ->
                      new AgentException(
                          AgentException.Kind.NO_ROOM,
                          "this node has no healthy device: see aliquot status")));
    }
    if (spec.devices().size() > PageLayout.MAX_DEVICES) {
      throw invalid(
          "a tenant can have at most "
              + PageLayout.MAX_DEVICES
              + " devices, not "
              + spec.devices().size());
    }
    Set<Device> devices = new LinkedHashSet<>();
    for (String name : spec.devices()) {
      Device device = device(name);
      if (device.facts().totalBytes() == 0 || !device.verdict().state().takesTenants()) {
        throw new AgentException(
            device.facts().totalBytes() == 0
                ? AgentException.Kind.INVALID
                : AgentException.Kind.UNAVAILABLE,
            "device " + name + " cannot be shared: " + device.health().reason());
      }
      devices.add(device);
    }
    return devices;
  }

  private Device device(String name) throws AgentException {
    return inventory
        .find(name)
        .orElseThrow(
            () ->
                new AgentException(
                    AgentException.Kind.NOT_FOUND,
                    "this node has no device '"
                        + name
                        + "': it has "
                        + (inventory.devices().size() == 1
                            ? "0"
                            : "0 to " + (inventory.devices().size() - 1))
                        + ", or name one by its UUID"));
  }

  private static AgentException invalid(String sentence) {
    return new AgentException(AgentException.Kind.INVALID, sentence);
  }
}
