package dev.aliquot.agent.health;

import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.agent.tenant.Tenant;
import dev.aliquot.agent.tenant.Tenants;
import dev.aliquot.agent.view.DrillView;
import dev.aliquot.health.catalogue.Catalogue;
import dev.aliquot.health.catalogue.FaultClass;
import dev.aliquot.health.catalogue.XidEntry;
import dev.aliquot.health.device.DeviceBreaker;
import dev.aliquot.health.device.DeviceMachine;
import dev.aliquot.health.fault.Blame;
import dev.aliquot.health.fault.Correlator;
import dev.aliquot.health.fault.Moment;
import dev.aliquot.health.fault.Report;
import dev.aliquot.health.fault.XidReports;
import dev.aliquot.health.line.KernelLineReader;
import dev.aliquot.health.line.XidLine;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * What a line of the kernel log would do, by the same parts that do it.
 *
 * @param breaker one of its own: what is tried out changes it
 */
record Rehearsal(
    Catalogue catalogue,
    XidReports reports,
    Culprits culprits,
    Tenants tenants,
    DeviceBreaker breaker) {

  DrillView view(Device device, String line, boolean done) {
    XidLine xid =
        (XidLine)
            new KernelLineReader()
                .read(line)
                .orElseThrow(() -> new IllegalStateException("a drill's line cannot be read"));
    long now = System.nanoTime();
    Report report = reports.of(xid, new Moment(Instant.EPOCH, now), device.uuid(), true);
    XidEntry entry = catalogue.entry(xid.code());
    boolean programs = report.faultClass() == FaultClass.APP;
    Blame blame = programs ? culprits.of(xid.pid(), now, now) : Blame.NOBODY;
    DeviceMachine machine = new DeviceMachine(device.uuid(), Duration.ofMinutes(1), breaker);
    machine.fault(new Correlator(1).take(report, () -> blame).fault(), now);
    List<String> sharers =
        tenants.all().stream()
            .map(Tenant::record)
            .filter(
                record ->
                    record.grants().stream()
                        .anyMatch(grant -> grant.device().equals(device.uuid())))
            .map(TenantRecord::name)
            .sorted()
            .toList();
    return new DrillView(
        device.uuid(),
        xid.code(),
        entry.name(),
        report.faultClass().label(),
        entry.text(),
        entry.action(),
        machine.verdict().state().label(),
        blame.name(),
        sharers,
        done);
  }
}
