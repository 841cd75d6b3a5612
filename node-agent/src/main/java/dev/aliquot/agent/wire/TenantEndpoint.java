package dev.aliquot.agent.wire;

import java.util.concurrent.CompletionStage;
import java.util.function.BooleanSupplier;

/** Who answers one tenant's frames. Called on the event loop: must not block. */
public interface TenantEndpoint {

  /**
   * The answer, now or later. A stage that fails is answered with UNAVAILABLE.
   *
   * @param abandoned whether nobody waits for the answer any more; may be asked by any thread
   */
  CompletionStage<Reply> answer(PeerProcess peer, Request request, BooleanSupplier abandoned);
}
