package dev.aliquot.agent.tenant;

import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.page.ControlPage;
import dev.aliquot.agent.page.UsagePage;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.ledger.CreditBook;
import dev.aliquot.ledger.SlotPort;

/** What a tenant has of one device. Guarded by its tenant's lock. */
final class Holding {
  final int index;
  final Device device;
  final long requestBytes;
  final long limitBytes;
  final CreditBook book;

  /** Held by the tenant's processes that have no slot. */
  long otherBytes;

  Holding(
      int index, Device device, TenantRecord.Grant grant, ControlPage control, UsagePage usage) {
    this.index = index;
    this.device = device;
    this.requestBytes = grant.requestBytes();
    this.limitBytes = grant.limitBytes();
    this.book =
        new CreditBook(
            limitBytes,
            new SlotPort() {
              @Override
              public long usedBytes(int slot) {
                return usage.usedBytes(slot, index);
              }

              @Override
              public void writeCredit(int slot, long creditBytes) {
                control.creditBytes(slot, index, creditBytes);
              }
            });
  }
}
