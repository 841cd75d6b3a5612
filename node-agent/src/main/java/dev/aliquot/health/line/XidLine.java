package dev.aliquot.health.line;

import dev.aliquot.nvml.PciAddress;
import java.util.OptionalInt;

/**
 * One XID as the driver prints it. The driver puts a process's name into the line as it is, and a
 * process chooses its name: nothing but {@code message} comes after it, so only {@code process} and
 * {@code message} can be forged.
 *
 * @param gpuInstance the MIG GPU instance, if the line names one
 * @param computeInstance the MIG compute instance, if the line names one
 * @param code the XID
 * @param pid of the process that allocated the channel, in the host's pid namespace; empty where
 *     the driver does not know
 * @param process its name, or empty
 * @param message the rest, at most {@link KernelLineReader#MOST_MESSAGE} characters
 */
public record XidLine(
    PciAddress address,
    OptionalInt gpuInstance,
    OptionalInt computeInstance,
    int code,
    OptionalInt pid,
    String process,
    String message)
    implements KernelLine {

  /** The same, where the number would be another process's. */
  public XidLine withoutPid() {
    return new XidLine(
        address, gpuInstance, computeInstance, code, OptionalInt.empty(), process, message);
  }
}
