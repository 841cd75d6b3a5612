package dev.aliquot.agent.tenant;

import dev.aliquot.agent.count.Counters;
import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.DeviceFacts;
import dev.aliquot.agent.device.DeviceReading;
import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.process.ProcessStat;
import dev.aliquot.agent.process.ProcessWatcher;
import dev.aliquot.agent.state.StateDir;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.agent.support.Contexts;
import dev.aliquot.ledger.Headroom;
import dev.aliquot.ledger.Priority;
import dev.aliquot.residency.SwapMode;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** Tenants with real pages on a device that no driver has: this test's own process is their one. */
abstract class TenantFixture {
  static final long GIB = 1L << 30;
  static final long CAPACITY = 4 * GIB;

  final ProcFs proc = ProcFs.system();
  @TempDir private Path folder;
  StateDir state;
  ProcessWatcher watcher;
  TenantContext context;

  @BeforeEach
  void start() throws Exception {
    state = StateDir.prepare(folder.resolve("s"));
    watcher = new ProcessWatcher(proc);
    context = Contexts.withoutPool(state, proc, watcher, new Counters());
  }

  @AfterEach
  void stop() {
    watcher.close();
  }

  static Device device() {
    return new Device(
        new DeviceFacts(0, "GPU-x", "x", "", CAPACITY, 0),
        new Headroom(0, 0),
        () -> DeviceReading.NONE);
  }

  Tenant tenant(String id, Device device, long requestBytes, long limitBytes) throws Exception {
    TenantRecord record =
        new TenantRecord(
            id,
            id,
            "",
            "",
            "",
            Instant.EPOCH,
            0,
            0,
            0,
            0,
            null,
            null,
            true,
            SwapMode.ALLOWED,
            Priority.NORMAL,
            0,
            List.of(new TenantRecord.Grant(device.uuid(), requestBytes, limitBytes)));
    device.book().admit(id, record.grants().getFirst().share());
    TenantFiles.Pages pages = TenantFiles.of(state, record).create(state, record);
    return new Tenant(context, record, pages, List.of(device), () -> {});
  }

  TenantFiles files(Tenant tenant) {
    return TenantFiles.of(state, tenant.record());
  }

  Member attach(Tenant tenant) {
    ProcessStat self = proc.stat((int) ProcessHandle.current().pid()).orElseThrow();
    return tenant.attach(self, self.id().pid()).orElseThrow();
  }
}
