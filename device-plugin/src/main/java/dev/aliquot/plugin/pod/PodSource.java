package dev.aliquot.plugin.pod;

import java.io.IOException;

/** Where {@link Holders} come from: the kubelet. Thread-safe. */
@FunctionalInterface
public interface PodSource {
  /**
   * Asks the kubelet, for a few seconds at most.
   *
   * @throws IOException when it does not say, with a sentence
   */
  Holders read() throws IOException;
}
