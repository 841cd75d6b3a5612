package dev.aliquot.agent.health;

import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.agent.tenant.Tenant;
import dev.aliquot.agent.tenant.Tenants;
import dev.aliquot.health.fault.Blame;
import java.util.Optional;

/** Whose a process is that there is now, and for how long there has been it. */
record TenantProcesses(Tenants tenants, ProcFs proc) {

  Optional<Culprits.Owner> owner(int pid) {
    return tenants
        .tenantOf(pid)
        .map(Tenant::record)
        .flatMap(
            record -> proc.age(pid).map(age -> new Culprits.Owner(blame(record), age.toNanos())));
  }

  static Blame blame(TenantRecord record) {
    return new Blame(
        record.id(), record.name(), record.namespace(), record.pod(), record.container());
  }
}
