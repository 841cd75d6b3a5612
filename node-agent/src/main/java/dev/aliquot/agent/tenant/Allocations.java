package dev.aliquot.agent.tenant;

import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.ledger.Admission;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Tenants' shares in the devices' books. Guarded by the lock of {@link Tenants}. */
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
          devices.get(i).book().admit(record.id(), record.grants().get(i).share());
      if (admission instanceof Admission.Refused(String sentence)) {
        devices.subList(0, i).forEach(device -> device.book().release(record.id()));
        throw new RefusedException(sentence, false);
      }
    }
    return devices;
  }

  /** Takes over what an earlier agent allocated; answers the devices in the grants' order. */
  List<Device> restore(TenantRecord record) throws IOException {
    List<Device> devices = devicesOf(record);
    for (int i = 0; i < devices.size(); i++) {
      devices.get(i).book().restore(record.id(), record.grants().get(i).share());
    }
    return devices;
  }

  /**
   * Changes all of a tenant's shares or none.
   *
   * @throws RefusedException when a device has no room
   */
  void resize(TenantRecord from, TenantRecord to) throws RefusedException, IOException {
    List<Device> devices = devicesOf(to);
    for (int i = 0; i < devices.size(); i++) {
      Admission admission = devices.get(i).book().resize(to.id(), to.grants().get(i).share());
      if (admission instanceof Admission.Refused(String sentence)) {
        for (int done = 0; done < i; done++) {
          var _ = devices.get(done).book().resize(from.id(), from.grants().get(done).share());
        }
        throw new RefusedException(sentence, false);
      }
    }
  }

  /** Forgets the tenant's shares, on the devices that are still there. */
  void release(TenantRecord record) {
    for (TenantRecord.Grant grant : record.grants()) {
      inventory.find(grant.device()).ifPresent(device -> device.book().release(record.id()));
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
