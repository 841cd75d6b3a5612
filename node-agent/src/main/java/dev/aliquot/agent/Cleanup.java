package dev.aliquot.agent;

import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Closes what was opened, the last first, each whatever became of the others. Thread-safe. */
final class Cleanup implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Cleanup.class);

  private record Step(String what, AutoCloseable resource) {}

  private final Deque<Step> steps = new ArrayDeque<>();

  /** Remembers a resource; answers it. */
  synchronized <T extends AutoCloseable> T add(String what, T resource) {
    steps.push(new Step(what, resource));
    return resource;
  }

  @Override
  public synchronized void close() {
    while (!steps.isEmpty()) {
      Step step = steps.pop();
      try {
        step.resource().close();
      } catch (Exception e) {
        LOG.error("{} could not be closed", step.what(), e);
      }
    }
  }
}
