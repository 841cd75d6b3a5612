package dev.aliquot.plugin.node;

import java.util.List;
import java.util.Set;

/**
 * The node whose devices are offered. Thread-safe. What says "at once" answers from memory: the
 * kubelet stands still while it waits for it.
 */
public interface Node {
  /** Every device that the node has or had, by index; one that is broken stays in it. At once. */
  List<NodeDevice> devices();

  /** Calls back, on any thread, when {@link #devices} has changed; the callback does not block. */
  void whenDevicesChange(Runnable callback);

  /**
   * What a container with a grant is given. The kubelet keeps the answer for as long as the pod
   * lives, over upgrades of the agent too, so that only lasting paths and names are in it. At once.
   */
  Injection injection(Grant grant);

  /**
   * Makes the grant's tenant for a container, or finds that it has it; a container that is started
   * again keeps it, one of another pod gets a new one. Called before every start of the container.
   * May take a few seconds.
   *
   * @throws NotYetException when it has to wait, with a sentence for {@code kubectl describe pod}
   */
  void bind(Grant grant, PodContainer container) throws NotYetException;

  /** Whether processes use the grant's tenant. At once. */
  boolean isInUse(String grantKey);

  /**
   * Uids of the pods of which any process lives, in lower case: what the kubelet does not list, for
   * it may not be ready, is not gone while it runs. Looks at every process.
   */
  Set<String> livingPods();

  /** The container is gone: its tenant ends with its last process. Unknown keys are ignored. */
  void release(String grantKey);
}
