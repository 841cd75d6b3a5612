package dev.aliquot.cuda;

import java.nio.file.Path;

/** Opens a driver and says what it lacks. */
final class OldDriverMain {
  private OldDriverMain() {}

  public static void main(String[] arguments) {
    CudaDriver driver = CudaDriver.open(Path.of(arguments[0]));
    System.out.printf(
        "%d device, checkpoint %b, lacks lock %b%n",
        driver.deviceCount(),
        driver.checkpoint().isPresent(),
        driver.missingSymbols().contains("cuCheckpointProcessLock"));
  }
}
