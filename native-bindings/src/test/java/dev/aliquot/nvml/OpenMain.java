package dev.aliquot.nvml;

import dev.aliquot.cuda.CudaDriver;
import dev.aliquot.ffm.NativeException;
import java.nio.file.Path;

/** Opens a library and says what came of it: {@code nvml|cuda} and a path. */
final class OpenMain {
  private OpenMain() {}

  public static void main(String[] arguments) {
    try {
      if (arguments[0].equals("nvml")) {
        try (Nvml nvml = Nvml.open(Path.of(arguments[1]))) {
          System.out.println("opened " + nvml.driverVersion());
        }
      } else {
        System.out.println("opened " + CudaDriver.open(Path.of(arguments[1])).version());
      }
    } catch (NativeException e) {
      System.out.println(e.getMessage());
    }
  }
}
