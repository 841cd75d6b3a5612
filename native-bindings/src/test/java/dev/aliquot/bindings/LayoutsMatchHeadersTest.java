package dev.aliquot.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.bindings.cuda.CUcheckpointCheckpointArgs_st;
import dev.aliquot.bindings.cuda.CUcheckpointGpuPair_st;
import dev.aliquot.bindings.cuda.CUcheckpointLockArgs_st;
import dev.aliquot.bindings.cuda.CUcheckpointRestoreArgs_st;
import dev.aliquot.bindings.cuda.CUcheckpointUnlockArgs_st;
import dev.aliquot.bindings.cuda.CUmemAccessDesc_st;
import dev.aliquot.bindings.cuda.CUmemAllocationProp_st;
import dev.aliquot.bindings.cuda.CUmemLocation_st;
import dev.aliquot.bindings.cuda.CUuuid_st;
import dev.aliquot.bindings.nvml.nvmlEventData_st;
import dev.aliquot.bindings.nvml.nvmlFieldValue_st;
import dev.aliquot.bindings.nvml.nvmlMemory_st;
import dev.aliquot.bindings.nvml.nvmlMemory_v2_st;
import dev.aliquot.bindings.nvml.nvmlPciInfo_st;
import dev.aliquot.bindings.nvml.nvmlProcessInfo_v2_st;
import dev.aliquot.bindings.nvml.nvmlProcessUtilizationSample_st;
import dev.aliquot.bindings.nvml.nvmlUtilization_st;
import java.io.IOException;
import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.PaddingLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The generated layouts against the C headers that the C parts share: both sides see one ABI. */
class LayoutsMatchHeadersTest {
  private static final Map<String, GroupLayout> LAYOUTS =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry("nvmlMemory_t", nvmlMemory_st.layout()),
              Map.entry("nvmlMemory_v2_t", nvmlMemory_v2_st.layout()),
              Map.entry("nvmlPciInfo_t", nvmlPciInfo_st.layout()),
              Map.entry("nvmlProcessInfo_v2_t", nvmlProcessInfo_v2_st.layout()),
              Map.entry("nvmlProcessUtilizationSample_t", nvmlProcessUtilizationSample_st.layout()),
              Map.entry("nvmlUtilization_t", nvmlUtilization_st.layout()),
              Map.entry("nvmlEventData_t", nvmlEventData_st.layout()),
              Map.entry("nvmlFieldValue_t", nvmlFieldValue_st.layout()),
              Map.entry("CUmemLocation", CUmemLocation_st.layout()),
              Map.entry("CUmemAccessDesc", CUmemAccessDesc_st.layout()),
              Map.entry("CUmemAllocationProp", CUmemAllocationProp_st.layout()),
              Map.entry("CUuuid", CUuuid_st.layout()),
              Map.entry("CUcheckpointLockArgs", CUcheckpointLockArgs_st.layout()),
              Map.entry("CUcheckpointCheckpointArgs", CUcheckpointCheckpointArgs_st.layout()),
              Map.entry("CUcheckpointRestoreArgs", CUcheckpointRestoreArgs_st.layout()),
              Map.entry("CUcheckpointUnlockArgs", CUcheckpointUnlockArgs_st.layout()),
              Map.entry("CUcheckpointGpuPair", CUcheckpointGpuPair_st.layout())));

  @Test
  void sizesAndOffsetsAreTheSameInJavaAndC(@TempDir Path folder)
      throws IOException, InterruptedException {
    StringBuilder expected = new StringBuilder();
    StringBuilder source =
        new StringBuilder(
            """
            #include <stddef.h>
            #include <stdio.h>
            #include <aliquot/cuda_abi.h>
            #include <aliquot/nvml_abi.h>
            int main(void) {
            """);
    LAYOUTS.forEach(
        (type, layout) -> {
          expected.append(type).append(' ').append(layout.byteSize()).append('\n');
          source.append("printf(\"%s %%zu\\n\", sizeof(%s));%n".formatted(type, type));
          for (MemoryLayout member : layout.memberLayouts()) {
            String name = member.name().orElse("");
            if (!(member instanceof PaddingLayout) && !name.startsWith("reserved")) {
              long offset = layout.byteOffset(PathElement.groupElement(name));
              expected.append("%s.%s %d%n".formatted(type, name, offset));
              source.append(
                  "printf(\"%s.%s %%zu\\n\", offsetof(%s, %s));%n"
                      .formatted(type, name, type, name));
            }
          }
        });
    Path file = Files.writeString(folder.resolve("layouts.c"), source.append("return 0; }\n"));
    Path program = folder.resolve("layouts");
    String compiler = System.getenv().getOrDefault("CC", "gcc");
    assertThat(output(List.of(compiler, "-Isrc/main/c", "-o", program.toString(), file.toString())))
        .isEmpty();
    assertThat(output(List.of(program.toString()))).isEqualTo(expected.toString());
  }

  private static String output(List<String> command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return output;
  }
}
