package dev.aliquot.nvml;

/** A CUDA version; its text is {@code 13.0}. */
public record CudaVersion(int major, int minor) implements Comparable<CudaVersion> {

  /** From the driver's number, 1000 * major + 10 * minor. */
  public static CudaVersion ofDriverNumber(int number) {
    return new CudaVersion(number / 1000, number % 1000 / 10);
  }

  @Override
  public int compareTo(CudaVersion other) {
    return major != other.major
        ? Integer.compare(major, other.major)
        : Integer.compare(minor, other.minor);
  }

  @Override
  public String toString() {
    return major + "." + minor;
  }
}
