package dev.aliquot.agent.tenant;

import dev.aliquot.agent.page.ControlPage;
import dev.aliquot.agent.page.UsagePage;
import dev.aliquot.ledger.SlotPort;

/**
 * The pages of a tenant, as the book of one of its devices sees them.
 *
 * @param device the tenant's number of the device
 */
record PagesPort(int device, ControlPage control, UsagePage usage) implements SlotPort {

  @Override
  public long usedBytes(int slot) {
    return usage.usedBytes(slot, device);
  }

  @Override
  public long changes(int slot) {
    return usage.report(slot).changes();
  }

  @Override
  public long movableBytes(int slot) {
    return usage.report(slot).movableBytes(device);
  }

  @Override
  public long demotedBytes(int slot) {
    // no more than it has been given chunks for
    return Math.min(usage.report(slot).demotedBytes(device), control.hostBytes(slot));
  }

  @Override
  public long hostBytes(int slot) {
    return control.hostBytes(slot);
  }

  @Override
  public void writeCredit(int slot, long creditBytes) {
    control.creditBytes(slot, device, creditBytes);
  }

  @Override
  public void writeCovered(int slot, long coveredBytes) {
    control.coveredBytes(slot, device, coveredBytes);
  }

  @Override
  public void writeAway(int slot, boolean away) {
    control.away(slot, device, away);
  }

  @Override
  public boolean isParked(int slot) {
    return usage.report(slot).parked();
  }

  @Override
  public void writeResident(int slot, long residentBytes) {
    control.residentBytes(slot, device, residentBytes);
    control.wake(slot);
  }

  @Override
  public int wake(int slot) {
    return control.wakeWord(slot);
  }
}
