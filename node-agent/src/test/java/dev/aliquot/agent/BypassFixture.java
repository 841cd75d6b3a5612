package dev.aliquot.agent;

import dev.aliquot.agent.bypass.BypassOptions;
import dev.aliquot.agent.config.BypassPolicy;
import dev.aliquot.agent.config.KeeperPolicy;
import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.BypassView;
import dev.aliquot.agent.view.TenantGrant;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;

/** Real programs that get at the driver without the stand-in. */
abstract class BypassFixture extends AgentFixture {
  void restart(BypassPolicy tenants, BypassPolicy strangers) throws AgentException {
    agent.close();
    options =
        options.withBypass(
            new BypassOptions(
                tenants, strangers, KeeperPolicy.REPORT, 1L << 30, Duration.ofMillis(300)));
    agent = Agent.start(options, InstantSource.system());
  }

  /** The driver's own file, as the tenant's control page names it. */
  static Path driver(TenantGrant grant) {
    return driver(Path.of(grant.directory()));
  }

  /** The same by the tenant's folder. */
  static Path driver(Path tenant) {
    try {
      byte[] page = Files.readAllBytes(tenant.resolve("control"));
      int end = 128;
      while (page[end] != 0) {
        end++;
      }
      return Path.of(new String(page, 128, end - 128, StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A process that sheds its environment and opens the driver by its full path. */
  Talker bare(TenantGrant grant) {
    return talk(
        grant.environment(),
        Path.of("/usr/bin/env"),
        "-i",
        CProgram.of("cuda_tenant").toString(),
        driver(grant).toString());
  }

  /** A statically linked one with a loader of its own, which no library can be preloaded into. */
  Talker statically(TenantGrant grant) {
    Path loader = Path.of("/lib64/ld-linux-x86-64.so.2");
    return talk(
        grant.environment(),
        CProgram.statically("static_tenant"),
        (Files.exists(loader) ? loader : Path.of("/lib/ld-linux-aarch64.so.1")).toString(),
        CProgram.of("cuda_tenant").toString(),
        driver(grant).toString());
  }

  /** The same as the bare one, deaf to SIGTERM. */
  Talker stubborn(TenantGrant grant) {
    return talk(
        Map.of(),
        Path.of("/bin/sh"),
        "-c",
        "trap '' TERM; exec /usr/bin/env -i \"$0\" \"$1\"",
        CProgram.of("cuda_tenant").toString(),
        driver(grant).toString());
  }

  List<BypassView> bypasses(String tenant) {
    return view(tenant).bypasses();
  }
}
