package dev.aliquot.agent.plugin;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.agent.state.DurableFile;
import dev.aliquot.agent.state.StateJson;
import dev.aliquot.plugin.node.NodeDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The devices that the kubelet is told of: those that are there, and those that were since the
 * machine was started. The kubelet takes a device that it is told nothing of for healthy, so that
 * one that has gone is told of as broken. Thread-safe.
 */
public final class KnownDevices {
  private static final Logger LOG = LoggerFactory.getLogger(KnownDevices.class);

  /** Far more than a machine has. */
  private static final int MOST = 256;

  private final Inventory inventory;
  private final NumaTopology numa;
  private final List<Entry> gone;

  @JsonIgnoreProperties(ignoreUnknown = true)
  record Entry(int index, String uuid, int numaNode) {
    Entry {
      Objects.requireNonNull(uuid, "uuid");
    }
  }

  @JsonIgnoreProperties(ignoreUnknown = true)
  record Content(String boot, List<Entry> devices) {
    Content {
      Objects.requireNonNull(boot, "boot");
      devices = List.copyOf(devices);
    }
  }

  private KnownDevices(Inventory inventory, NumaTopology numa, List<Entry> gone) {
    this.inventory = inventory;
    this.numa = numa;
    this.gone = List.copyOf(gone);
  }

  /**
   * Takes up what an earlier agent has told of since the machine was started, and writes down what
   * there is now.
   *
   * @param boot id of the machine's start
   */
  public static KnownDevices open(Inventory inventory, NumaTopology numa, Path file, String boot) {
    List<Entry> there = new ArrayList<>();
    for (Device device : inventory.devices()) {
      if (isKnown(device)) {
        there.add(entry(device, numa));
      }
    }
    List<Entry> gone =
        earlier(file, boot).stream()
            .filter(old -> there.stream().noneMatch(now -> now.uuid().equals(old.uuid())))
            .limit(MOST)
            .toList();
    List<Entry> all = new ArrayList<>(there);
    all.addAll(gone);
    try {
      DurableFile.write(file, StateJson.MAPPER.writeValueAsBytes(new Content(boot, all)), false);
    } catch (IOException e) {
      LOG.warn(
          "{} cannot be written ({}): a device that goes away is not told of as broken by the next"
              + " agent",
          file,
          e.getMessage());
    }
    return new KnownDevices(inventory, numa, gone);
  }

  /** By index; those that have gone come after those that are there. */
  public List<NodeDevice> all() {
    List<NodeDevice> all = new ArrayList<>();
    for (Device device : inventory.devices()) {
      if (isKnown(device)) {
        all.add(now(device));
      }
    }
    for (Entry entry : gone) {
      all.add(
          new NodeDevice(
              entry.index(),
              entry.uuid(),
              false,
              "it was there and is not any more",
              entry.numaNode() < 0 ? OptionalInt.empty() : OptionalInt.of(entry.numaNode())));
    }
    all.sort(Comparator.comparingInt(NodeDevice::index));
    return all;
  }

  private NodeDevice now(Device device) {
    boolean shared = device.facts().totalBytes() > 0;
    boolean healthy = shared && device.verdict().state().takesTenants();
    return new NodeDevice(
        device.facts().index(),
        device.uuid(),
        healthy,
        healthy ? "" : shared ? device.verdict().reason() : device.health().reason(),
        numa.nodeOf(device.facts().pciAddress()));
  }

  private static Entry entry(Device device, NumaTopology numa) {
    return new Entry(
        device.facts().index(), device.uuid(), numa.nodeOf(device.facts().pciAddress()).orElse(-1));
  }

  /** One of which not even the UUID can be read is told of under the one that it had. */
  private static boolean isKnown(Device device) {
    return !device.uuid().startsWith("unknown-");
  }

  private static List<Entry> earlier(Path file, String boot) {
    try {
      if (!Files.exists(file)) {
        return List.of();
      }
      Content content = StateJson.MAPPER.readValue(Files.readAllBytes(file), Content.class);
      return content.boot().equals(boot) ? content.devices() : List.of();
    } catch (IOException e) {
      LOG.warn("{} is not used: {}", file, e.getMessage());
      return List.of();
    }
  }
}
