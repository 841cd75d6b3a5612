package dev.aliquot.cli.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StateDirOptionTest {
  @TempDir private Path folder;

  private Path folder(String name, boolean agent) throws IOException {
    Path made = Files.createDirectory(folder.resolve(name));
    if (agent) {
      Files.createFile(made.resolve("admin.sock"));
    }
    return made;
  }

  @Test
  void rootsAgentIsMeantOnlyWhereTheUserHasNone() throws IOException {
    Path own = folder("own", true);
    Path roots = folder("roots", true);
    Path idle = folder("idle", false);
    Path missing = folder.resolve("missing");
    assertThat(StateDirOption.served(own, roots)).isEqualTo(own);
    assertThat(StateDirOption.served(idle, roots)).isEqualTo(roots);
    assertThat(StateDirOption.served(missing, roots)).isEqualTo(roots);
    assertThat(StateDirOption.served(missing, idle)).as("nobody has one").isEqualTo(missing);
  }
}
