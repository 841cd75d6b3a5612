package dev.aliquot.agent.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.process.Mounts.Place;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MountsTest {
  @TempDir private Path folder;

  private Mounts of(String... lines) throws Exception {
    return Mounts.read(Files.writeString(folder.resolve("mountinfo"), String.join("\n", lines)));
  }

  @Test
  void aPathIsInTheFileSystemOfTheLastMountNearestAboveIt() throws Exception {
    Mounts mounts =
        of(
            "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
            "23 22 0:20 / /run rw - tmpfs tmpfs rw",
            "24 23 0:21 /inside /run/aliquot rw - tmpfs tmpfs rw",
            "25 23 0:22 /over /run/aliquot rw - tmpfs tmpfs rw");
    assertThat(mounts.placeOf(Path.of("/run/aliquot/tenants/k")))
        .contains(new Place("0:22", "/over/tenants/k"));
    assertThat(mounts.placeOf(Path.of("/run/aliquots"))).contains(new Place("0:20", "/aliquots"));
    assertThat(mounts.placeOf(Path.of("/var"))).contains(new Place("8:1", "/var"));
  }

  @Test
  void theSamePathOfAnotherFileSystemIsAnother() throws Exception {
    Mounts mounts =
        of(
            "30 1 8:1 /kubelet/pods/u/volumes/v/tenants/k /run/aliquot/tenant rw - ext4 /dev/sda1 rw",
            "31 1 0:22 /tenants/k\\040x /a\\040b rw - tmpfs tmpfs rw",
            "cut");
    assertThat(mounts.has(new Place("0:22", "/tenants/k"))).isFalse();
    assertThat(mounts.has(new Place("8:1", "/tenants/k"))).isFalse();
    assertThat(mounts.has(new Place("0:22", "/tenants/k x"))).isTrue();
  }

  @Test
  void aProcessThatIsGoneHasNone() {
    assertThat(Mounts.read(folder.resolve("none")).mounts()).isEmpty();
  }
}
