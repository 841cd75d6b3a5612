package dev.aliquot.nvml;

/** A device's CUDA compute capability; its text is {@code 9.0}. */
public record ComputeCapability(int major, int minor) {
  @Override
  public String toString() {
    return major + "." + minor;
  }
}
