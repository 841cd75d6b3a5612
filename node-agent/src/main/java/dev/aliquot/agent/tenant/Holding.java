package dev.aliquot.agent.tenant;

import dev.aliquot.agent.device.Device;
import dev.aliquot.ledger.Share;
import dev.aliquot.ledger.TenantBook;

/** What a tenant has of one device. Guarded by its tenant's lock. */
final class Holding {
  final int index;
  final Device device;
  final TenantBook book;

  /** Held by the tenant's processes that have no slot. */
  long otherBytes;

  /** Opens the tenant's book, whose pages these are. */
  Holding(int index, Device device, String tenant, TenantFiles.Pages pages) {
    this.index = index;
    this.device = device;
    this.book = device.book().open(tenant, new PagesPort(index, pages.control(), pages.usage()));
  }

  Share share() {
    return book.share();
  }
}
