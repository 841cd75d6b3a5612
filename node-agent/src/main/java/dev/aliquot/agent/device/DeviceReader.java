package dev.aliquot.agent.device;

import dev.aliquot.ffm.NativeException;

/** Reads one device. May block for as long as the driver does. */
public interface DeviceReader {

  /**
   * @throws NativeException when the driver answers with an error
   */
  DeviceReading read();
}
