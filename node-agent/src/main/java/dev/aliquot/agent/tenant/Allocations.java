package dev.aliquot.agent.tenant;

import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.ledger.Admission;
import dev.aliquot.ledger.Allotment;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tenants' shares in the devices' books. Guarded by the lock of {@link Tenants}. */
final class Allocations {
  private static final Logger LOG = LoggerFactory.getLogger(Allocations.class);

  private final Inventory inventory;

  /** Those that restored tenants have shares of and that are not there, by UUID. */
  private final Map<String, Device> lost = new HashMap<>();

  Allocations(Inventory inventory) {
    this.inventory = inventory;
  }

  /**
   * Allocates all of a new tenant's requests or none; answers the devices in the grants' order.
   *
   * @throws RefusedException when a device has no room
   */
  List<Device> admit(TenantRecord record) throws RefusedException, IOException {
    List<Device> devices = devicesOf(record);
    orRefuse(allotment(record, devices).admit());
    return devices;
  }

  /**
   * Takes over what an earlier agent allocated, on devices that are lost, too: there the share
   * waits for an agent that sees the device again. Answers the devices in the grants' order.
   */
  List<Device> restore(TenantRecord record) {
    for (TenantRecord.Grant grant : record.grants()) {
      if (inventory.find(grant.device()).isEmpty()) {
        lost.computeIfAbsent(grant.device(), Device::lost);
        LOG.error(
            "tenant {} ({}) has a share of device {}, which is not there:"
                + " it is carried on with without it",
            record.id(),
            record.name(),
            grant.device());
      }
    }
    List<Device> devices = record.grants().stream().flatMap(each -> find(each).stream()).toList();
    allotment(record, devices).restore();
    return devices;
  }

  /**
   * Whether a tenant can have other shares. Changes nothing.
   *
   * @throws RefusedException when a device has no room
   */
  void checkResize(TenantRecord to) throws RefusedException, IOException {
    orRefuse(allotment(to, devicesOf(to)).checkResize());
  }

  /** Changes a tenant's shares to what has been checked, under the same lock. */
  void resize(TenantRecord to) throws IOException {
    allotment(to, devicesOf(to)).resize();
  }

  /** Forgets the tenant's shares. */
  void release(TenantRecord record) {
    for (TenantRecord.Grant grant : record.grants()) {
      find(grant).ifPresent(device -> device.book().release(record.id()));
    }
  }

  private Optional<Device> find(TenantRecord.Grant grant) {
    return inventory.find(grant.device()).or(() -> Optional.ofNullable(lost.get(grant.device())));
  }

  private List<Device> devicesOf(TenantRecord record) throws IOException {
    List<Device> devices = new ArrayList<>();
    for (TenantRecord.Grant grant : record.grants()) {
      devices.add(
          find(grant)
              .orElseThrow(
                  () ->
                      new IOException("this node has no device " + grant.device() + " any more")));
    }
    return devices;
  }

  private static Allotment allotment(TenantRecord record, List<Device> devices) {
    return new Allotment(
        record.id(),
        IntStream.range(0, devices.size())
            .mapToObj(
                i -> new Allotment.Part(devices.get(i).book(), record.grants().get(i).share()))
            .toList());
  }

  private static void orRefuse(Admission admission) throws RefusedException {
    if (admission instanceof Admission.Refused(String sentence)) {
      throw new RefusedException(sentence, false);
    }
  }
}
