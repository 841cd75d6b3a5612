package dev.aliquot.agent.tenant;

import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.ledger.Admission;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Tenants' requests in the devices' ledgers. Guarded by the lock of {@link Tenants}. */
final class Allocations {
  private final Inventory inventory;

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
    for (int i = 0; i < devices.size(); i++) {
      Admission admission =
          devices.get(i).ledger().admit(record.id(), record.grants().get(i).requestBytes());
      if (admission instanceof Admission.Refused(String sentence)) {
        devices.subList(0, i).forEach(device -> device.ledger().release(record.id()));
        throw new RefusedException(sentence, false);
      }
    }
    return devices;
  }

  /** Takes over what an earlier agent allocated; answers the devices in the grants' order. */
  List<Device> restore(TenantRecord record) throws IOException {
    List<Device> devices = devicesOf(record);
    for (int i = 0; i < devices.size(); i++) {
      devices.get(i).ledger().restore(record.id(), record.grants().get(i).requestBytes());
    }
    return devices;
  }

  /** Forgets the tenant's requests, on the devices that are still there. */
  void release(TenantRecord record) {
    for (TenantRecord.Grant grant : record.grants()) {
      inventory.find(grant.device()).ifPresent(device -> device.ledger().release(record.id()));
    }
  }

  private List<Device> devicesOf(TenantRecord record) throws IOException {
    List<Device> devices = new ArrayList<>();
    for (TenantRecord.Grant grant : record.grants()) {
      devices.add(
          inventory
              .find(grant.device())
              .orElseThrow(
                  () ->
                      new IOException("this node has no device " + grant.device() + " any more")));
    }
    return devices;
  }
}
