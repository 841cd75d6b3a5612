package dev.aliquot.agent.plugin;

import dev.aliquot.agent.Agent;
import dev.aliquot.agent.AgentException;
import dev.aliquot.agent.Places;
import dev.aliquot.agent.PodTenant;
import dev.aliquot.agent.PodTenants;
import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.agent.process.PodCgroup;
import dev.aliquot.agent.state.PodBinding;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.plugin.annotation.PodAnnotations;
import dev.aliquot.plugin.annotation.Terms;
import dev.aliquot.plugin.node.Grant;
import dev.aliquot.plugin.node.Injection;
import dev.aliquot.plugin.node.Node;
import dev.aliquot.plugin.node.NodeDevice;
import dev.aliquot.plugin.node.NotYetException;
import dev.aliquot.plugin.node.PodContainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The agent's devices and tenants for the kubelet's device plugin. Thread-safe. */
public final class PodNode implements Node {
  private static final Logger LOG = LoggerFactory.getLogger(PodNode.class);

  /** The API server tells of a pod a little later than the kubelet starts it. */
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

  private final Inventory inventory;
  private final PodTenants tenants;
  private final KnownDevices known;
  private final Injections injections;
  private final PodAnnotations reader;
  private final AnnotationSource pods;

  /**
   * An agent's. Makes the files that containers have mounted.
   *
   * @param way how containers get their devices
   * @param prefix of the annotations' names
   * @param pods where annotations come from; told of what is wrong with them
   * @throws IOException when the files cannot be made
   */
  public static PodNode of(Agent agent, Injections.Way way, String prefix, AnnotationSource pods)
      throws IOException {
    Places places = agent.places();
    PreloadFile.provide(places);
    return new PodNode(
        agent.inventory(),
        agent.pods(),
        KnownDevices.open(
            agent.inventory(),
            NumaTopology.system(),
            places.state().resolve("kubelet-devices.json"),
            Files.readString(BOOT_ID).strip()),
        new Injections(places, way),
        new PodAnnotations(prefix),
        pods);
  }

  private PodNode(
      Inventory inventory,
      PodTenants tenants,
      KnownDevices known,
      Injections injections,
      PodAnnotations reader,
      AnnotationSource pods) {
    this.inventory = inventory;
    this.tenants = tenants;
    this.known = known;
    this.injections = injections;
    this.reader = reader;
    this.pods = pods;
    pods.whenChanged(this::refresh);
  }

  @Override
  public List<NodeDevice> devices() {
    return known.all();
  }

  @Override
  public void whenDevicesChange(Runnable callback) {
    inventory.devices().forEach(device -> device.whenVerdictChanges(callback));
  }

  @Override
  public Injection injection(Grant grant) {
    return injections.of(grant);
  }

  @Override
  public void bind(Grant grant, PodContainer container) throws NotYetException {
    try {
      Sought sought = seek(container, grant.devices(), grant.unitsPerDevice(), PATIENCE);
      tenants
          .open(
              new PodTenant(
                  grant.key(),
                  container.namespace(),
                  container.pod(),
                  PodCgroup.normal(container.podUid()),
                  container.container(),
                  grant.unitsPerDevice(),
                  sought.grants(),
                  sought.terms().swap(),
                  sought.terms().priority(),
                  !sought.known()))
          .ifPresent(why -> tell(container, List.of(keeps(why))));
    } catch (AgentException e) {
      throw new NotYetException(String.valueOf(e.getMessage()));
    }
  }

  @Override
  public boolean isInUse(String grantKey) {
    return tenants.isInUse(grantKey);
  }

  @Override
  public Set<String> livingPods() {
    return tenants.livingPods();
  }

  @Override
  public void release(String grantKey) {
    tenants.end(grantKey);
  }

  /** The annotations of a pod have become known, or are others: its running tenants follow. */
  private void refresh(String namespace, String pod) {
    for (TenantRecord record : tenants.of(namespace, pod)) {
      PodBinding binding = Objects.requireNonNull(record.binding());
      PodContainer container =
          new PodContainer(namespace, pod, binding.podUid(), record.container());
      try {
        List<String> devices = record.grants().stream().map(TenantRecord.Grant::device).toList();
        Sought sought = seek(container, devices, binding.units(), Duration.ZERO);
        if (sought.known()) {
          tenants
              .reshare(record, sought.grants())
              .ifPresent(why -> tell(container, List.of(keeps(why))));
        }
      } catch (AgentException e) {
        LOG.warn("new annotations of {}/{} wait: {}", namespace, pod, e.getMessage());
      }
    }
  }

  /**
   * @param known whether the pod's annotations are
   */
  private record Sought(List<TenantRecord.Grant> grants, Terms terms, boolean known) {}

  private Sought seek(PodContainer container, List<String> devices, int units, Duration patience)
      throws AgentException {
    Optional<Map<String, String>> known =
        pods.annotations(container.namespace(), container.pod(), container.podUid(), patience);
    Map<String, String> annotations = known.orElse(Map.of());
    List<TenantRecord.Grant> grants = new ArrayList<>();
    Set<String> complaints = new LinkedHashSet<>();
    Terms terms = Terms.ofUnits(0);
    for (String uuid : devices) {
      Device device =
          inventory
              .find(uuid)
              .orElseThrow(
                  () ->
                      new AgentException(
                          AgentException.Kind.UNAVAILABLE,
                          "device "
                              + uuid
                              + " is not there: the container waits until this node has it again"));
      terms = reader.read(annotations, container.container(), device.book().capacityBytes(), units);
      grants.add(
          new TenantRecord.Grant(uuid, terms.share().requestBytes(), terms.share().limitBytes()));
      complaints.addAll(terms.complaints());
    }
    if (grants.isEmpty()) {
      throw new AgentException(
          AgentException.Kind.UNAVAILABLE,
          "nothing of a device has been allocated to the container");
    }
    tell(container, List.copyOf(complaints));
    return new Sought(grants, terms, known.isPresent());
  }

  private static String keeps(String why) {
    return "the container keeps the shares that it has, and gets none of the new ones: " + why;
  }

  private void tell(PodContainer container, List<String> complaints) {
    for (String complaint : complaints) {
      LOG.warn(
          "{}/{}, container {}: {}",
          container.namespace(),
          container.pod(),
          container.container(),
          complaint);
    }
    if (!complaints.isEmpty()) {
      pods.complain(container.namespace(), container.pod(), container.podUid(), complaints);
    }
  }
}
