package dev.aliquot.agent.wire;

import java.util.concurrent.CompletionStage;

/** Who answers one tenant's frames. Called on the event loop: must not block. */
public interface TenantEndpoint {

  /** The answer, now or later. A stage that fails is answered with UNAVAILABLE. */
  CompletionStage<Reply> answer(PeerProcess peer, Request request);
}
