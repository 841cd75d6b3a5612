package dev.aliquot.agent.limits;

import dev.aliquot.agent.state.TenantRecord;
import java.util.Collection;
import java.util.Optional;

/**
 * The interposer alone: the credit that a tenant's book writes into its control page is the limit,
 * so there is nothing further to set.
 */
final class InterposerLimits implements MemoryLimits {

  @Override
  public String backend() {
    return "interposer";
  }

  @Override
  public Optional<String> apply(TenantRecord tenant) {
    return Optional.empty();
  }

  @Override
  public void clear(TenantRecord tenant) {}

  @Override
  public void reconcile(Collection<TenantRecord> living) {}

  @Override
  public void close() {}
}
