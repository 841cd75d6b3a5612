package dev.aliquot.ffm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.aliquot.bindings.nvml.NvmlBindings;
import dev.aliquot.cuda.CudaDriver;
import dev.aliquot.nvml.Nvml;
import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a user reads when the library file is not what it should be. */
class LibraryErrorsTest {
  @TempDir Path folder;

  @Test
  void aMissingFileIsNamed() {
    Path file = folder.resolve("libnvidia-ml.so.1");
    assertThatThrownBy(() -> Nvml.open(file))
        .isInstanceOf(LibraryException.class)
        .hasMessage(
            "there is no NVML library at %s; install the NVIDIA driver or give the path of its library"
                .formatted(file));
    assertThatThrownBy(() -> CudaDriver.open(file))
        .hasMessageStartingWith("there is no CUDA driver library at " + file);
  }

  @Test
  void aFolderIsRefused() {
    assertThatThrownBy(() -> Nvml.open(folder))
        .isInstanceOf(LibraryException.class)
        .hasMessage(folder + " is not a file; give the path of the NVML library");
  }

  @Test
  void aTextFileIsNoLibrary() throws IOException {
    Path file = Files.writeString(folder.resolve("lib.so"), "this is not a library at all\n");
    assertThatThrownBy(() -> Nvml.open(file))
        .isInstanceOf(LibraryException.class)
        .hasMessage(file + " is not a library (no ELF header); give the path of the NVML library");
  }

  @Test
  void anEmptyFileIsNoLibrary() throws IOException {
    Path file = Files.createFile(folder.resolve("lib.so"));
    assertThatThrownBy(() -> CudaDriver.open(file))
        .isInstanceOf(LibraryException.class)
        .hasMessageContaining("is not a library (no ELF header)");
  }

  @Test
  void aLibraryOfAnotherMachineSaysWhich() throws IOException {
    byte[] elf = Files.readAllBytes(someLibrary());
    elf[18] = (byte) 243;
    elf[19] = 0;
    Path file = Files.write(folder.resolve("lib.so"), elf);
    assertThatThrownBy(() -> Nvml.open(file))
        .isInstanceOf(LibraryException.class)
        .hasMessageContaining("is a library for another machine (riscv64, 64-bit) than this (");
  }

  @ParameterizedTest
  @ValueSource(ints = {25, 63, 64, 100, 1000, 20_000})
  void aLibraryThatIsCutShortIsNotMapped(int bytes) throws IOException {
    byte[] elf = Files.readAllBytes(someLibrary());
    assertThat(elf.length).isGreaterThan(bytes);
    Path file = Files.write(folder.resolve("lib.so"), Arrays.copyOf(elf, bytes));
    assertThatThrownBy(() -> Nvml.open(file))
        .isInstanceOf(LibraryException.class)
        .hasMessageContaining("cut short");
  }

  @Test
  void aLibraryThatNeedsAnotherGivesTheLinkersWords() throws IOException, InterruptedException {
    Path needed = folder.resolve("libneeded.so");
    Path file = folder.resolve("libneeding.so");
    gcc("-o", needed.toString(), "-x", "c", "/dev/null");
    gcc(
        "-o",
        file.toString(),
        "-x",
        "c",
        "/dev/null",
        "-Wl,--no-as-needed",
        "-L" + folder,
        "-lneeded");
    Files.delete(needed);
    assertThatThrownBy(() -> Nvml.open(file))
        .isInstanceOf(LibraryException.class)
        .hasMessageStartingWith("the NVML library %s cannot be loaded: ".formatted(file))
        .hasMessageContaining("libneeded.so")
        .hasMessageEndingWith("run `ldd %s` to see what it lacks".formatted(file));
  }

  @Test
  void aLibraryThatIsNotTheDriverSaysWhatItLacks() {
    assertThatThrownBy(() -> Nvml.open(someLibrary()))
        .isInstanceOf(LibraryException.class)
        .hasMessageContaining("is not the NVML library: it has no function nvmlInit_v2");
    assertThatThrownBy(() -> CudaDriver.open(someLibrary()))
        .hasMessageContaining("is not the CUDA driver library: it has no function cuInit");
  }

  @Test
  void aBareNameIsSearchedByTheLinker() {
    assertThatThrownBy(() -> Nvml.open(Path.of("libaliquot-no-such-library.so.9")))
        .isInstanceOf(LibraryException.class)
        .hasMessageStartingWith(
            "no NVML library named libaliquot-no-such-library.so.9 is where the dynamic linker looks");
  }

  @Test
  void signaturesAreReadWithoutTouchingASymbol() {
    Map<String, FunctionDescriptor> signatures = Signatures.of(NvmlBindings.class);
    assertThat(signatures)
        .containsEntry("nvmlInit_v2", FunctionDescriptor.of(ValueLayout.JAVA_INT))
        .containsEntry(
            "nvmlDeviceRegisterEvents",
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT,
                ValueLayout.ADDRESS,
                ValueLayout.JAVA_LONG,
                ValueLayout.ADDRESS));
    assertThat(signatures).doesNotContainKey("NVML_SUCCESS");
  }

  private static void gcc(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("gcc", "-shared", "-fPIC"));
    command.addAll(List.of(arguments));
    assertThat(new ProcessBuilder(command).start().waitFor()).isZero();
  }

  /** Some library of this machine: the JVM's own. */
  private static Path someLibrary() {
    return Path.of(System.getProperty("java.home"), "lib", "libnet.so");
  }
}
