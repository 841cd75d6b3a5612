package dev.aliquot.agent.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a process's control groups and its machine have left of host memory. */
class MemoryRoomTest {
  private static final int PID = 7;

  @TempDir Path folder;
  private MemoryRoom room;

  @BeforeEach
  void aMachineWithMuchMemory() throws IOException {
    write("proc/meminfo", "MemTotal: 9000000 kB\nMemAvailable:    8000000 kB\n");
    Files.createDirectories(folder.resolve("groups/memory"));
    room = new MemoryRoom(folder.resolve("proc"), folder.resolve("groups"));
  }

  private void write(String file, String text) throws IOException {
    Path path = folder.resolve(file);
    Files.createDirectories(path.resolveSibling("."));
    Files.writeString(path, text);
  }

  private void isIn(String groups) throws IOException {
    write("proc/" + PID + "/cgroup", groups);
  }

  private void second(String group, String most, long used, long idle) throws IOException {
    write("groups" + group + "/memory.max", most + "\n");
    write("groups" + group + "/memory.current", used + "\n");
    write("groups" + group + "/memory.stat", "anon 5\nfile 9\ninactive_file " + idle + "\n");
  }

  private void first(String group, long most, long used, long idle) throws IOException {
    write("groups/memory" + group + "/memory.limit_in_bytes", most + "\n");
    write("groups/memory" + group + "/memory.usage_in_bytes", used + "\n");
    write(
        "groups/memory" + group + "/memory.stat",
        "inactive_file 1\ntotal_inactive_file " + idle + "\n");
  }

  private OptionalLong bytes() {
    return room.bytes(PID);
  }

  @Test
  void whatIsLeftIsWhatTheGroupHasNotUsedAndWhatItCanDrop() throws IOException {
    isIn("0::/pod/box\n");
    second("/pod/box", "1000", 700, 50);
    second("/pod", "max", 700, 50);
    assertThat(bytes()).hasValue(350);
  }

  @Test
  void theGroupsThatAGroupIsInCountToo() throws IOException {
    isIn("0::/pod/box\n");
    second("/pod/box", "max", 700, 0);
    second("/pod", "2000", 1900, 0);
    assertThat(bytes()).hasValue(100);
    second("/pod", "2000", 2100, 0);
    assertThat(bytes()).hasValue(0);
  }

  @Test
  void versionOneIsReadWhereItHasTheMemory() throws IOException {
    isIn("3:cpu,cpuacct:/x\n4:memory:/pod/box\n0::/elsewhere\n");
    first("/pod/box", 1000, 700, 40);
    first("/pod", Long.MAX_VALUE / 2, 700, 40);
    first("", Long.MAX_VALUE / 2, 700, 40);
    assertThat(bytes()).hasValue(340);
  }

  @Test
  void moreIdleThanUsedIsNoMoreThanTheLimit() throws IOException {
    isIn("4:memory:/pod\n");
    first("/pod", Long.MAX_VALUE, 700, 900);
    assertThat(bytes()).hasValue(8_000_000L * 1024);
    first("/pod", 1000, 700, 900);
    assertThat(bytes()).hasValue(1000);
  }

  @Test
  void theMachineHasNoMoreThanItHas() throws IOException {
    isIn("0::/\n");
    assertThat(bytes()).hasValue(8_000_000L * 1024);
    isIn("0::/pod\n");
    second("/pod", "max", 1, 0);
    assertThat(bytes()).hasValue(8_000_000L * 1024);
  }

  @Test
  void whatCannotBeSeenIsNotGuessed() throws IOException {
    assertThat(bytes()).as("no such process").isEmpty();
    isIn("0::/nowhere\n");
    assertThat(bytes()).as("no such group").isEmpty();
    isIn("0::/../../host\n");
    assertThat(bytes()).as("outside of the root").isEmpty();
    isIn("0::/pod\n");
    second("/pod", "plenty", 1, 0);
    assertThat(bytes()).as("no number").isEmpty();
    Files.delete(folder.resolve("groups/pod/memory.current"));
    second("/pod", "1000", 1, 0);
    Files.delete(folder.resolve("groups/pod/memory.stat"));
    assertThat(bytes()).as("half a group").isEmpty();
  }

  @Test
  void thisProcessHasSome() {
    MemoryRoom here = new MemoryRoom(Path.of("/proc"), Path.of("/sys/fs/cgroup"));
    assertThat(here.bytes((int) ProcessHandle.current().pid()).orElseThrow()).isPositive();
  }
}
