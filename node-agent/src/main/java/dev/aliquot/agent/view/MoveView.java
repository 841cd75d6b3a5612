package dev.aliquot.agent.view;

/**
 * A tenant's data moved between a device and host memory, as its process says.
 *
 * @param bytes moved
 * @param seconds that the program was kept from submitting work
 * @param bytesPerSecond the rate of the copies alone; 0 where it is not known
 */
public record MoveView(long bytes, double seconds, double bytesPerSecond) {}
