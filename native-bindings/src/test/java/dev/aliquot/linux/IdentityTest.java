package dev.aliquot.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IdentityTest {
  @Test
  void idsAreThoseOfTheProcess() throws IOException {
    Path self = Path.of("/proc/self");
    assertThat(Identity.effectiveUserId()).isEqualTo(Files.getAttribute(self, "unix:uid"));
    assertThat(Identity.effectiveGroupId()).isEqualTo(Files.getAttribute(self, "unix:gid"));
  }

  @Test
  void groupsAreFoundByName() {
    assertThat(Identity.groupId("root")).hasValue(0);
    assertThat(Identity.groupId("no-such-group-of-aliquot")).isEmpty();
    assertThat(Identity.groupId("")).isEmpty();
  }

  @Test
  void anOwnerNeedsNoName(@TempDir Path folder) throws IOException {
    assumeTrue(Identity.effectiveUserId() == 0, "only root can give files away");
    Path file = Files.createFile(folder.resolve("file"));
    Path link = Files.createSymbolicLink(folder.resolve("link"), file);
    Ownership.set(file, 54321, 54322);
    assertThat(Files.getAttribute(file, "unix:uid")).isEqualTo(54321);
    assertThat(Files.getAttribute(file, "unix:gid")).isEqualTo(54322);
    Ownership.set(link, 54323, Ownership.UNCHANGED);
    assertThat(Files.getAttribute(link, "unix:uid", LinkOption.NOFOLLOW_LINKS)).isEqualTo(54323);
    assertThat(Files.getAttribute(file, "unix:uid")).isEqualTo(54321);
  }

  @Test
  void aMissingFileHasNoOwner(@TempDir Path folder) {
    Path file = folder.resolve("none");
    assertThatThrownBy(() -> Ownership.set(file, 1, 1))
        .isInstanceOf(LinuxException.class)
        .hasMessage(
            "lchown(%s, 1, 1) failed with ENOENT: there is no such file or folder".formatted(file));
  }
}
