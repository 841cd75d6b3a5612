package dev.aliquot.agent.plugin;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/** Where pods' annotations come from. Thread-safe. */
public interface AnnotationSource {
  /** Where no API server is asked: no pod has any. */
  AnnotationSource NONE =
      new AnnotationSource() {
        @Override
        public Optional<Map<String, String>> annotations(
            String namespace, String pod, String uid, Duration patience) {
          return Optional.of(Map.of());
        }

        @Override
        public void whenChanged(BiConsumer<String, String> callback) {}

        @Override
        public void complain(String namespace, String pod, String uid, List<String> sentences) {}
      };

  /**
   * A pod's annotations; empty where they are not known.
   *
   * @param uid of the pod, when it is known: one of the same name is another
   * @param patience how long to wait for a pod that is new
   */
  Optional<Map<String, String>> annotations(
      String namespace, String pod, String uid, Duration patience);

  /** Calls back with namespace and name of a pod when its annotations have changed. */
  void whenChanged(BiConsumer<String, String> callback);

  /** Says what is wrong with them where the pod's owner looks. Does not wait. */
  void complain(String namespace, String pod, String uid, List<String> sentences);
}
