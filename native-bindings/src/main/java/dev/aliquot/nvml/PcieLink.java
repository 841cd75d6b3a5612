package dev.aliquot.nvml;

/**
 * A device's PCIe link.
 *
 * @param generation now; an idle device lowers it
 * @param width lanes now
 * @param maxGeneration that device and slot can do together
 * @param maxWidth lanes that device and slot can do together
 */
public record PcieLink(int generation, int width, int maxGeneration, int maxWidth) {}
