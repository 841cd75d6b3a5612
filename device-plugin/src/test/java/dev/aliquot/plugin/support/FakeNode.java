package dev.aliquot.plugin.support;

import dev.aliquot.plugin.node.Grant;
import dev.aliquot.plugin.node.Injection;
import dev.aliquot.plugin.node.Node;
import dev.aliquot.plugin.node.NodeDevice;
import dev.aliquot.plugin.node.NotYetException;
import dev.aliquot.plugin.node.PodContainer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** A node in memory, whose devices a test breaks and mends. Thread-safe. */
public final class FakeNode implements Node {
  /** What {@link #bind} does before it binds. */
  public interface BeforeBind {
    void run(Grant grant, PodContainer container) throws NotYetException;
  }

  public final Map<String, PodContainer> bound = new ConcurrentHashMap<>();
  public final Map<String, Grant> grants = new ConcurrentHashMap<>();
  public final List<String> released = new CopyOnWriteArrayList<>();
  public final Set<String> inUse = ConcurrentHashMap.newKeySet();
  public final Set<String> living = ConcurrentHashMap.newKeySet();
  public volatile BeforeBind beforeBind = (grant, container) -> {};

  /** Called with a grant's key before {@link #release} releases. */
  public volatile Consumer<String> beforeRelease = key -> {};

  private final List<Runnable> callbacks = new CopyOnWriteArrayList<>();
  private volatile List<NodeDevice> devices;

  public FakeNode(int count) {
    devices = devices(count, OptionalInt.empty());
  }

  /** Healthy devices with made-up UUIDs. */
  public static List<NodeDevice> devices(int count, OptionalInt numa) {
    List<NodeDevice> devices = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      devices.add(new NodeDevice(i, uuid(i), true, "", numa));
    }
    return List.copyOf(devices);
  }

  public static String uuid(int index) {
    return "GPU-%08x-0000-4000-8000-%012x".formatted(index, index);
  }

  /** Other devices from now on; whoever asked to be told is told. */
  public void setDevices(List<NodeDevice> now) {
    devices = List.copyOf(now);
    callbacks.forEach(Runnable::run);
  }

  /** Breaks or mends a device. */
  public void setHealthy(int index, boolean healthy) {
    List<NodeDevice> now = new ArrayList<>(devices);
    NodeDevice old = now.get(index);
    now.set(
        index,
        new NodeDevice(
            index, old.uuid(), healthy, healthy ? "" : "it fell off the bus", old.numaNode()));
    setDevices(now);
  }

  @Override
  public List<NodeDevice> devices() {
    return devices;
  }

  @Override
  public void whenDevicesChange(Runnable callback) {
    callbacks.add(callback);
  }

  @Override
  public Injection injection(Grant grant) {
    return new Injection(
        Map.of("ALIQUOT_GRANT", grant.key()),
        List.of(new Injection.Mount("/lasting/" + grant.key(), "/aliquot", true)),
        List.of(new Injection.DeviceNode("/dev/null", "rw")),
        List.of("aliquot.dev/gpu=" + grant.devices().getFirst()));
  }

  @Override
  public void bind(Grant grant, PodContainer container) throws NotYetException {
    beforeBind.run(grant, container);
    grants.put(grant.key(), grant);
    bound.put(grant.key(), container);
  }

  @Override
  public boolean isInUse(String grantKey) {
    return inUse.contains(grantKey);
  }

  @Override
  public Set<String> livingPods() {
    return Set.copyOf(living);
  }

  @Override
  public void release(String grantKey) {
    beforeRelease.accept(grantKey);
    released.add(grantKey);
    bound.remove(grantKey);
  }
}
