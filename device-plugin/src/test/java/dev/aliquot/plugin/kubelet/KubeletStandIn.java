package dev.aliquot.plugin.kubelet;

import dev.aliquot.plugin.kubelet.StandInCheckpoint.Entry;
import dev.aliquot.plugin.proto.deviceplugin.ContainerAllocateResponse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;

/**
 * Stands in for a kubelet, as far as a device plugin meets it: real sockets and files in a folder,
 * both ways to register, one admission at a time, all of a pod's containers allocated before any is
 * started, ids in random order, answers replayed from a checkpoint. It takes plugins of any name
 * and asks them for one resource. Thread-safe.
 */
public final class KubeletStandIn implements AutoCloseable {
  private final KubeletPaths paths;
  private final String resource;
  private final StandInBehaviour behaviour;
  private final Random random;
  private final LongSupplier nanos;
  private final StandInPods pods = new StandInPods();
  private final AtomicReference<String> refusal = new AtomicReference<>("");
  private final AtomicBoolean looksInFolder = new AtomicBoolean(true);
  private final List<StandInCall> calls = new CopyOnWriteArrayList<>();
  private final Object syncLoop = new Object();
  private volatile StandInProcess process;
  private volatile int reportedAllocatable;
  private volatile int reportedCapacity;
  private int starts;

  /**
   * @param folder the kubelet's; its path is short, for sockets
   * @param resource what pods ask for
   */
  public KubeletStandIn(Path folder, String resource, StandInBehaviour behaviour) {
    this(folder, resource, behaviour, System::nanoTime);
  }

  /**
   * The same with another clock.
   *
   * @param nanos by which it forgets a plugin that is gone; how long it waits for an answer is real
   */
  public KubeletStandIn(
      Path folder, String resource, StandInBehaviour behaviour, LongSupplier nanos) {
    this.paths = new KubeletPaths(folder, resource);
    this.resource = resource;
    this.behaviour = behaviour;
    this.random = new Random(behaviour.seed());
    this.nanos = nanos;
  }

  /** Starts; pods and checkpoint are as they were left. */
  public KubeletStandIn start() throws IOException {
    process =
        new StandInProcess(
            paths,
            resource,
            behaviour,
            random,
            nanos,
            pods,
            refusal,
            looksInFolder,
            calls::add,
            ++starts);
    return this;
  }

  /** SIGTERM: connections end, the sockets' files stay. */
  public void stop() {
    StandInProcess old = process;
    process = null;
    if (old != null) {
      old.close();
    }
  }

  /** Stops and starts. */
  public void restart() throws IOException {
    stop();
    start();
  }

  /** Stops, and starts without any memory of who has which ids. */
  public void restartWithoutCheckpoint() throws IOException {
    stop();
    Files.deleteIfExists(paths.checkpoint());
    start();
  }

  @Override
  public void close() {
    stop();
  }

  /** The next plugin that is found is refused with this error. */
  public void refuseNextFound(String error) {
    refusal.set(error);
  }

  /** Whether it looks for plugins now, if it is one that does; a real one takes its time. */
  public void lookInFolder(boolean looks) {
    looksInFolder.set(looks);
  }

  /** Healthy units now; the node's status shows them at the next report only. */
  public int healthyUnits() {
    StandInProcess now = process;
    return now == null ? 0 : now.devices().healthy(resource).size();
  }

  /** All units now, healthy or not. */
  public int units() {
    StandInProcess now = process;
    return now == null ? 0 : now.devices().capacity(resource);
  }

  /**
   * What the kubelet does every 10 s: tells the cluster how much the node has. It forgets a
   * resource then whose plugin has been gone for five minutes.
   */
  public void reportStatus() {
    StandInProcess now = process;
    if (now != null) {
      now.devices().removeStopped();
    }
    reportedAllocatable = healthyUnits();
    reportedCapacity = units();
  }

  /** As last reported; the scheduler goes by it. */
  public int allocatable() {
    return reportedAllocatable;
  }

  /** As last reported. */
  public int capacity() {
    return reportedCapacity;
  }

  /** A pod is created: scheduled, if it does not name the node, and admitted here. */
  public Admission addPod(PodSpec spec) {
    if (!spec.onThisNode() && pods.demand() + StandInPods.demand(spec) > allocatable()) {
      return Admission.pending("0/1 nodes are available: 1 Insufficient " + resource);
    }
    synchronized (syncLoop) {
      pods.add(spec);
      try {
        admit(spec);
        return Admission.admitted();
      } catch (StandInException e) {
        pods.remove(spec.name());
        String message = String.valueOf(e.getMessage());
        return message.startsWith("TopologyAffinityError: ")
            ? Admission.failed("TopologyAffinityError", message.substring(23))
            : Admission.failed(
                "UnexpectedAdmissionError",
                "Pod was rejected: " + message + ", which is unexpected");
      }
    }
  }

  /** Starts a container, or starts it again. */
  public ContainerStart startContainer(String pod, String container) {
    PodSpec spec = pods.get(pod);
    PodSpec.Container wanted = StandInPods.container(spec, container);
    ContainerAllocateResponse given = ContainerAllocateResponse.getDefaultInstance();
    try {
      if (wanted.units() > 0) {
        StandInDevices devices = running().devices();
        Entry entry = entry(spec, wanted, devices);
        StandInDevices.preStart(devices.running(resource), entry);
        given = entry.response();
      }
    } catch (StandInException e) {
      return new ContainerStart(false, "CreateContainerConfigError: " + e.getMessage(), given);
    }
    pods.running(pod, container, true);
    return new ContainerStart(true, "", given);
  }

  /** Starts a pod's containers in their order; init containers end before the next one starts. */
  public ContainerStart startPod(String pod) {
    ContainerStart last =
        new ContainerStart(true, "", ContainerAllocateResponse.getDefaultInstance());
    for (PodSpec.Container container : pods.get(pod).containers()) {
      last = startContainer(pod, container.name());
      if (!last.runs()) {
        return last;
      }
      if (container.kind() == PodSpec.Kind.INIT) {
        endContainer(pod, container.name());
      }
    }
    return last;
  }

  /** A container ends; its ids stay its own. */
  public void endContainer(String pod, String container) {
    pods.running(pod, container, false);
  }

  /** A pod is deleted and its containers have ended. Nobody is called. */
  public void deletePod(String pod) {
    pods.remove(pod);
  }

  /**
   * What a kubelet that was started does with the pods of the node: those with a dead container
   * that needs devices fail where the plugin has not registered.
   *
   * @return names of pods that failed
   */
  public List<String> readmitPods() {
    return pods.all().stream()
        .filter(spec -> pods.hasDeadContainerWithUnits(spec) && healthyUnits() == 0)
        .map(PodSpec::name)
        .peek(pods::remove)
        .toList();
  }

  /** The ids of a container; none where it has none. */
  public SortedSet<String> ids(String pod, String container) {
    Entry entry = running().devices().entry(pods.get(pod).uid(), container, resource);
    return entry == null ? new TreeSet<>() : entry.ids();
  }

  /** Calls of a method, in their order. */
  public List<StandInCall> calls(String method) {
    return calls.stream().filter(call -> call.method().equals(method)).toList();
  }

  private void admit(PodSpec spec) throws StandInException {
    StandInDevices devices = running().devices();
    devices.forgetAllBut(pods.uids());
    Set<String> reusable = new TreeSet<>();
    for (PodSpec.Container container : spec.containers()) {
      if (container.units() > 0) {
        Entry entry =
            devices.allocate(spec.uid(), container.name(), resource, container.units(), reusable);
        if (container.kind() == PodSpec.Kind.INIT) {
          reusable.addAll(entry.ids());
        } else {
          reusable.removeAll(entry.ids());
        }
      }
    }
  }

  /** What the checkpoint has for it; allocated anew where a kubelet has lost that. */
  private Entry entry(PodSpec spec, PodSpec.Container container, StandInDevices devices)
      throws StandInException {
    Entry known = devices.entry(spec.uid(), container.name(), resource);
    if (known != null) {
      return known;
    }
    synchronized (syncLoop) {
      devices.forgetAllBut(pods.uids());
      return devices.allocate(spec.uid(), container.name(), resource, container.units(), Set.of());
    }
  }

  private StandInProcess running() {
    StandInProcess now = process;
    if (now == null) {
      throw new IllegalStateException("the kubelet does not run");
    }
    return now;
  }
}
