package dev.aliquot.agent.web;

import dev.aliquot.agent.metrics.SampleNode;
import dev.aliquot.agent.view.BypassView;
import dev.aliquot.agent.view.DeviceView;
import dev.aliquot.agent.view.EventView;
import dev.aliquot.agent.view.FaultView;
import dev.aliquot.agent.view.HealthView;
import dev.aliquot.agent.view.HistoryView;
import dev.aliquot.agent.view.HostPoolView;
import dev.aliquot.agent.view.KubeletView;
import dev.aliquot.agent.view.LiveView;
import dev.aliquot.agent.view.MoveView;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.agent.view.PinnedView;
import dev.aliquot.agent.view.ProcessView;
import dev.aliquot.agent.view.SwapView;
import dev.aliquot.agent.view.TenantView;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A node that is as a test wants it; all of its words can be one and the same hostile one. */
final class MadeUpNode {
  static final long GIB = 1L << 30;

  /** Every state that a tenant can be in. */
  static final List<String> STATES =
      List.of(
          "starting",
          "running",
          "leaving",
          "returning",
          "swapped",
          "diving",
          "surfacing",
          "deep",
          "lost",
          "ending");

  private final Instant now = Instant.now();
  private final List<DeviceView> devices = new ArrayList<>();
  private final List<TenantView> tenants = new ArrayList<>();
  private final List<FaultView> faults = new ArrayList<>();
  private final List<String> degraded = new ArrayList<>();
  private final List<EventView> events = new ArrayList<>();
  private String word = "word";
  private String notReady = "";
  private @Nullable KubeletView kubelet;

  /** Uses a word wherever words of others stand. */
  MadeUpNode saying(String everywhere) {
    word = everywhere;
    return this;
  }

  MadeUpNode notReady(String reason) {
    notReady = reason;
    return this;
  }

  /**
   * Offered to a kubelet, with a quarter of the first device for each container.
   *
   * @param holders of the grants; empty: not started yet
   */
  MadeUpNode kubelet(boolean registered, Map<String, Long> waits, String... holders) {
    kubelet =
        new KubeletView(
            word.equals("word") ? "aliquot.dev/gpu-fraction" : word,
            registered,
            registered ? "plugins_registry" : "",
            registered ? List.of() : List.of("The kubelet does not know it: " + word),
            Arrays.stream(holders)
                .map(holder -> new KubeletView.GrantView("k", List.of(uuid(0)), 25, holder))
                .toList(),
            Map.of(),
            waits,
            List.of(),
            0,
            0,
            0);
    return this;
  }

  static String uuid(int index) {
    return "GPU-0a0b0c0d-0000-0000-0000-00000000000" + index;
  }

  MadeUpNode device(String health, String healthReason, String state, String stateReason) {
    int index = devices.size();
    devices.add(
        new DeviceView(
            index,
            uuid(index),
            "NVIDIA H100 80GB HBM3",
            "0000:0" + index + ":00.0",
            80 * GIB,
            GIB,
            3 * GIB,
            76 * GIB,
            20 * GIB,
            2 * GIB,
            30 * GIB,
            37,
            12,
            54,
            250_500,
            health,
            healthReason,
            state,
            stateReason,
            state.equals("needs-reboot"),
            2,
            List.of(),
            List.of()));
    return this;
  }

  MadeUpNode healthyDevice() {
    return device("healthy", "", "healthy", "");
  }

  /** A device with a stranger and what was found of it. */
  MadeUpNode deviceWithStranger() {
    healthyDevice();
    DeviceView d = devices.removeLast();
    devices.add(
        new DeviceView(
            d.index(),
            d.uuid(),
            word,
            d.pciAddress(),
            d.totalBytes(),
            d.reservedBytes(),
            d.headroomBytes(),
            d.capacityBytes(),
            d.allocatedBytes(),
            d.loanBytes(),
            d.usedBytes(),
            -1,
            -1,
            -1,
            -1,
            d.health(),
            d.healthReason(),
            d.state(),
            d.stateReason(),
            d.replace(),
            d.exchangesPerMinute(),
            List.of(process(99)),
            List.of(bypass("stranger"))));
    return this;
  }

  MadeUpNode tenant(int device, String name, String state) {
    boolean out = state.equals("swapped") || state.equals("deep");
    int number = tenants.size();
    boolean there = device < devices.size();
    tenants.add(
        new TenantView(
            "t" + number,
            name,
            word,
            word,
            word,
            uuid(device),
            there ? device : -1,
            10 * GIB,
            40 * GIB,
            12 * GIB,
            out ? 0 : 2 * GIB,
            out ? 11 * GIB : GIB,
            out ? GIB : 12 * GIB,
            12 * GIB,
            GIB / 2,
            out ? GIB : 12 * GIB,
            number % 2 == 0 ? 3 : 0,
            there ? state : "device lost",
            new SwapView(
                "allowed",
                List.of(new PinnedView("shared", GIB / 2)),
                word + ": busy",
                3,
                1.5,
                new MoveView(GIB, 0.25, 5e9),
                null),
            number % 3 == 0 ? "high" : "normal",
            now.minusSeconds(90_000),
            List.of(process(4711)),
            List.of(bypass("underreporting"))));
    return this;
  }

  MadeUpNode fault(String code, String faultClass, boolean drill) {
    faults.add(
        new FaultView(
            faults.size() + 1,
            now.minusSeconds(100),
            now.minusSeconds(90),
            devices.isEmpty() ? "" : uuid(0),
            code,
            faultClass,
            "What happened: " + word,
            "Do this: " + word,
            List.of("kernel-log", "nvml-event"),
            2,
            4711,
            word,
            "t1",
            word,
            word,
            word,
            word,
            word,
            word,
            drill));
    return this;
  }

  MadeUpNode degraded(String sentence) {
    degraded.add(sentence);
    return this;
  }

  MadeUpNode event() {
    events.add(new EventView(now, "killed", uuid(0), "t1", 4712, word, "It was killed: " + word));
    return this;
  }

  private ProcessView process(int pid) {
    return new ProcessView(pid, pid, word, uuid(0), GIB, GIB, GIB / 2, List.of());
  }

  private BypassView bypass(String kind) {
    return new BypassView(99, word, "/c", uuid(0), "", word, kind, 2 * GIB, now, word);
  }

  NodeView node() {
    HostPoolView pool =
        new HostPoolView(
            true, "", 64 * GIB, GIB, 24 * GIB, 4 * GIB, 16 * GIB, 4 * GIB, 3, List.of());
    return new NodeView(
        word.equals("word") ? "worker-7" : word,
        "0.1.0",
        "580.159.04",
        "13.0",
        false,
        now.minusSeconds(100_000),
        now,
        notReady.isEmpty(),
        notReady,
        List.copyOf(devices),
        List.copyOf(tenants),
        List.copyOf(events),
        pool,
        new HealthView(
            degraded, "2026.11", true, 100, 0, 0, faults, SampleNode.node().health().kubernetes()),
        kubelet);
  }

  LiveView live() {
    return new LiveView(Instant.now(), node(), null);
  }

  /** An hour with a time in its middle of which nothing is known. */
  HistoryView history() {
    List<Integer> busy =
        IntStream.range(0, 720)
            .map(i -> i > 300 && i < 340 ? -1 : (int) (50 + 40 * Math.sin(i / 40.0)))
            .boxed()
            .toList();
    List<Long> used = busy.stream().map(each -> each < 0 ? -1 : each * 76 * GIB / 100).toList();
    return new HistoryView(
        Instant.now(),
        5,
        720,
        5000,
        devices.stream().map(each -> new HistoryView.DevicePast(each.uuid(), busy, used)).toList());
  }
}
