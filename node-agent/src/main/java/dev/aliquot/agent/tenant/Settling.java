package dev.aliquot.agent.tenant;

import dev.aliquot.agent.device.Device;
import java.util.concurrent.CompletionStage;

/** Reads ground truth of a device out of turn. */
public interface Settling {

  /**
   * Done when a reading that began after this call has been accounted for; fails when the driver
   * does not answer in time.
   */
  CompletionStage<Void> settle(Device device);
}
