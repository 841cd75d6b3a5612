package dev.aliquot.agent.library;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LibraryFolderTest {
  @TempDir Path directory;

  private static SortedMap<String, LibraryFolder.Entry> version(String content) {
    SortedMap<String, LibraryFolder.Entry> entries = new TreeMap<>();
    entries.put("libx.so", LibraryFolder.Entry.file(content.getBytes(StandardCharsets.UTF_8)));
    entries.put("compat/liby.so", LibraryFolder.Entry.link("../libx.so"));
    return entries;
  }

  @Test
  void complaint23_anUpgradeLeavesTheFilesThatTenantsHaveMappedAlone() throws IOException {
    LibraryFolder folder = new LibraryFolder(directory.resolve("lib"));
    Path old = folder.unpack(version("one"));
    Object inode = Files.getAttribute(old.resolve("libx.so"), "unix:ino");
    Path upgraded = folder.unpack(version("two"));
    assertThat(upgraded).isNotEqualTo(old);
    assertThat(old.resolve("libx.so")).hasContent("one");
    assertThat(folder.unpack(version("one"))).isEqualTo(old);
    assertThat(Files.getAttribute(old.resolve("libx.so"), "unix:ino")).isEqualTo(inode);
    assertThat(upgraded.resolve("compat/liby.so")).hasContent("two");
  }

  @Test
  void complaint23_aFolderIsThereWholeOrNotAtAll() throws IOException {
    LibraryFolder folder = new LibraryFolder(directory);
    SortedMap<String, LibraryFolder.Entry> broken = version("one");
    broken.put("no/such/depth", LibraryFolder.Entry.file(new byte[1]));
    assertThatThrownBy(() -> folder.unpack(broken)).isInstanceOf(IOException.class);
    try (var left = Files.list(directory)) {
      assertThat(left.filter(path -> !path.getFileName().toString().startsWith(".new-"))).isEmpty();
    }
  }

  @Test
  void everybodyCanMapAndNobodyCanChangeThem() throws IOException {
    Path folder = new LibraryFolder(directory).unpack(version("one"));
    assertThat(Files.getPosixFilePermissions(folder.resolve("libx.so")))
        .isEqualTo(java.nio.file.attribute.PosixFilePermissions.fromString("r-xr-xr-x"));
    assertThat(Files.getPosixFilePermissions(folder))
        .isEqualTo(java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  @Test
  void aDirectoryMountedNoexecIsFound() {
    List<String> mounts =
        List.of(
            "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
            "23 22 0:20 / /run rw,nosuid,nodev,noexec shared:2 - tmpfs tmpfs rw",
            "24 23 0:21 / /run/user/1000 rw,nosuid shared:3 - tmpfs tmpfs rw",
            "25 22 0:22 / /a\\040b rw,noexec - tmpfs tmpfs rw",
            "nonsense");
    assertThat(MountOptions.isNoexec(Path.of("/run/aliquot"), mounts)).isTrue();
    assertThat(MountOptions.isNoexec(Path.of("/run/user/1000/aliquot"), mounts)).isFalse();
    assertThat(MountOptions.isNoexec(Path.of("/runner"), mounts)).isFalse();
    assertThat(MountOptions.isNoexec(Path.of("/a b/c"), mounts)).isTrue();
  }

  @Test
  void librariesGoToALastingPlaceWhereTheyCannotBeMapped() {
    assertThat(Libraries.directory(directory.resolve("lib"), true, Map.of()))
        .isEqualTo(directory.resolve("lib"));
  }

  @Test
  void whatIsNotInstalledIsSaidWithWhatToDo() {
    assertThatThrownBy(() -> Libraries.installed("libnosuch.so.1"))
        .hasMessageContaining("this machine has no libnosuch.so.1: install the NVIDIA driver")
        .hasMessageContaining("--simulate");
  }

  @Test
  void theDriverBranchIsReadFromTheSettings() {
    assertThat(SimulatedNodes.branch("devices=2,driver=535.104.05,memory=1")).isEqualTo(535);
    assertThat(SimulatedNodes.branch("devices=2")).isEqualTo(580);
    assertThat(SimulatedNodes.branch("driver=x")).isEqualTo(580);
  }
}
