package dev.aliquot.agent.plugin;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.Places;
import dev.aliquot.plugin.node.Grant;
import dev.aliquot.plugin.node.Injection;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class InjectionsTest {
  private static final Grant GRANT =
      new Grant("0123456789abcdef", new TreeSet<>(List.of("a")), List.of("GPU-0", "GPU-1"), 100);

  private static Places places(String version) {
    Path libraries = Path.of("/var/lib/aliquot/lib");
    return new Places(
        Path.of("/run/aliquot"),
        Path.of("/run/aliquot/pods"),
        libraries,
        List.of(libraries.resolve(version).resolve("libaliquot-cuda.so")),
        null,
        Map.of());
  }

  @Test
  void everythingInItOutlivesTheVersion() {
    Injection old = new Injections(places("one"), new Injections.Way.Environment()).of(GRANT);
    Injection now = new Injections(places("two"), new Injections.Way.Environment()).of(GRANT);
    assertThat(now).isEqualTo(old);
    assertThat(now.mounts())
        .containsExactly(
            new Injection.Mount("/run/aliquot/pods/0123456789abcdef", "/run/aliquot/tenant", true),
            new Injection.Mount(
                "/run/aliquot/pods/0123456789abcdef/usage", "/run/aliquot/tenant/usage", false),
            new Injection.Mount("/var/lib/aliquot/lib", "/opt/aliquot/lib", true),
            new Injection.Mount("/var/lib/aliquot/lib/ld.so.preload", "/etc/ld.so.preload", true));
    assertThat(now.deviceNodes()).isEmpty();
  }

  @Test
  void devicesComeByTheEnvironmentOrByNames() {
    Injection environment =
        new Injections(places("one"), new Injections.Way.Environment()).of(GRANT);
    assertThat(environment.environment())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "CUDA_VISIBLE_DEVICES", "GPU-0,GPU-1",
                "NVIDIA_VISIBLE_DEVICES", "GPU-0,GPU-1",
                "NVIDIA_DRIVER_CAPABILITIES", "compute,utility"));
    assertThat(environment.cdiDevices()).isEmpty();
    Injection cdi =
        new Injections(places("one"), new Injections.Way.Cdi("nvidia.com/gpu")).of(GRANT);
    assertThat(cdi.environment()).containsOnlyKeys("CUDA_VISIBLE_DEVICES");
    assertThat(cdi.cdiDevices()).containsExactly("nvidia.com/gpu=GPU-0", "nvidia.com/gpu=GPU-1");
  }
}
