package dev.aliquot.agent.plugin;

import dev.aliquot.agent.kubernetes.PodWatch;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/** Annotations as the API server has them. */
record ClusterAnnotations(PodWatch watch) implements AnnotationSource {
  @Override
  public Optional<Map<String, String>> annotations(
      String namespace, String pod, String uid, Duration patience) {
    return watch.annotations(namespace, pod, uid, patience);
  }

  @Override
  public void whenChanged(BiConsumer<String, String> callback) {
    watch.whenChanged(callback);
  }

  @Override
  public void complain(String namespace, String pod, String uid, List<String> sentences) {
    watch.complain(namespace, pod, sentences);
  }
}
