package dev.aliquot.agent.limits;

import dev.aliquot.agent.state.TenantRecord;
import java.util.Collection;
import java.util.Optional;

/**
 * One way to hold tenants to their memory. Thread-safe. Nothing here waits longer than a few
 * seconds, whatever the driver does.
 */
public interface MemoryLimits extends AutoCloseable {

  /** {@code interposer} or {@code driver}. */
  String backend();

  /**
   * Puts a tenant's requests and limits in force, or changes them to what the record says now. All
   * or nothing.
   *
   * @return empty, or a sentence's part why this way cannot hold this tenant
   */
  Optional<String> apply(TenantRecord tenant);

  /** Takes them away; the tenant has ended, or was never made. */
  void clear(TenantRecord tenant);

  /** Puts right what an earlier agent left: clears for who is gone, applies for who lives. */
  void reconcile(Collection<TenantRecord> living);

  /** Limits stay in force: tenants run on. */
  @Override
  void close();
}
