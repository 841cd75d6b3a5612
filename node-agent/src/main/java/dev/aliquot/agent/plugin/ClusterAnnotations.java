package dev.aliquot.agent.plugin;

import dev.aliquot.agent.kubernetes.PodWatch;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/** Annotations as the API server has them. */
record ClusterAnnotations(PodWatch watch) implements AnnotationSource {
  @Override
  public Optional<Map<String, String>> annotations(String namespace, String pod, String uid) {
    return watch.annotations(namespace, pod, uid);
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
