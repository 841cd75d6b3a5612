package dev.aliquot.agent.tenant;

import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.ledger.Share;
import dev.aliquot.ledger.TenantBook;
import dev.aliquot.residency.Residency;

/** What a tenant has of one device. Guarded by its tenant's lock. */
final class Holding {
  final int index;
  final Device device;
  final TenantBook book;
  final Residency residency;
  final Traffic traffic = new Traffic();

  /** Held by the tenant's processes that have no slot. */
  long otherBytes;

  /** Opens the tenant's book, whose pages these are. */
  Holding(
      int index,
      Device device,
      TenantRecord tenant,
      TenantFiles.Pages pages,
      Residencies residencies) {
    this.index = index;
    this.device = device;
    this.book =
        device.book().open(tenant.id(), new PagesPort(index, pages.control(), pages.usage()));
    this.residency = residencies.of(device);
    residency.add(tenant.id(), tenant.swap(), tenant.priority());
  }

  Share share() {
    return book.share();
  }
}
