package dev.aliquot.agent.metrics;

import dev.aliquot.agent.AgentStats;
import dev.aliquot.agent.count.FaultCounts;
import dev.aliquot.agent.count.Histogram;
import dev.aliquot.agent.count.Moves;
import dev.aliquot.agent.count.TakeBacks;
import dev.aliquot.agent.view.BypassView;
import dev.aliquot.agent.view.DeviceView;
import dev.aliquot.agent.view.EventView;
import dev.aliquot.agent.view.FaultView;
import dev.aliquot.agent.view.HealthView;
import dev.aliquot.agent.view.HistoryView;
import dev.aliquot.agent.view.HostPoolView;
import dev.aliquot.agent.view.KubeletView;
import dev.aliquot.agent.view.KubernetesView;
import dev.aliquot.agent.view.MoveView;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.agent.view.PinnedView;
import dev.aliquot.agent.view.ProcessView;
import dev.aliquot.agent.view.SwapView;
import dev.aliquot.agent.view.TenantView;
import dev.aliquot.agent.wire.MoveOutcome;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** A node with one device and two tenants, for tests that show or serve one. */
public final class SampleNode {
  public static final String DEVICE = "GPU-0a0b0c0d-0000-0000-0000-000000000001";
  private static final long GIB = 1L << 30;
  private static final Instant STARTED = Instant.parse("2026-01-01T00:00:00Z");

  private SampleNode() {}

  public static NodeView node() {
    return new NodeView(
        "worker-7",
        "0.1.0",
        "580.159.04",
        "13.0",
        true,
        STARTED,
        STARTED.plusSeconds(60),
        true,
        "",
        List.of(device()),
        List.of(
            tenant("t1", "train", 4 * GIB, 3 * GIB, 7),
            tenant("t2", "a-name-that-is-longer-than-others", 8 * GIB, 0, 0)),
        List.of(
            new EventView(
                STARTED, "killed", DEVICE, "t1", 4712, "miner", "process 4712 (miner) was killed")),
        pool(),
        health(),
        kubelet());
  }

  private static KubeletView kubelet() {
    return new KubeletView(
        "aliquot.dev/gpu-fraction",
        true,
        "plugins_registry",
        List.of("the kubelet does not say which pods have what: it is tired"),
        List.of(new KubeletView.GrantView("00000000000000aa", List.of(DEVICE), 25, "ns/pod/main")),
        Map.of("allocations", 3L),
        Map.of("room", 2L),
        List.of(new KubeletView.Bucket(0.001, 2), new KubeletView.Bucket(1, 3)),
        3,
        0.25,
        0.2);
  }

  public static HistoryView history() {
    return new HistoryView(
        STARTED.plusSeconds(60),
        5,
        720,
        2,
        List.of(
            new HistoryView.DevicePast(
                DEVICE, List.of(-1, 40, 37), List.of(-1L, 4 * GIB, 5 * GIB))));
  }

  private static HostPoolView pool() {
    return new HostPoolView(
        true,
        "",
        16 * GIB,
        GIB,
        4 * GIB,
        GIB,
        2 * GIB,
        GIB,
        3,
        List.of(new HostPoolView.TenantShare("t1", 2 * GIB, 0, GIB)));
  }

  private static DeviceView device() {
    return new DeviceView(
        0,
        DEVICE,
        "NVIDIA H100",
        "0000:01:00.0",
        16 * GIB,
        0,
        GIB,
        15 * GIB,
        12 * GIB,
        GIB / 2,
        5 * GIB,
        37,
        -1,
        -1,
        250_500,
        "healthy",
        "",
        "suspect",
        "XID 38 10 times in a day",
        false,
        2,
        List.of(process(99, 0)),
        List.of(bypass(99, "", "stranger")));
  }

  private static TenantView tenant(
      String id, String name, long limitBytes, long usedBytes, long refusals) {
    return new TenantView(
        id,
        name,
        "ns \"quoted\"",
        "pod\\1",
        "main",
        DEVICE,
        0,
        limitBytes,
        limitBytes,
        limitBytes,
        GIB / 4,
        GIB / 8,
        usedBytes,
        usedBytes,
        0,
        usedBytes,
        refusals,
        "running",
        new SwapView(
            "allowed",
            usedBytes == 0 ? List.of() : List.of(new PinnedView("shared", GIB / 16)),
            "",
            3,
            1.5,
            new MoveView(GIB, 0.25, 5e9),
            null),
        "normal",
        STARTED,
        usedBytes == 0 ? List.of() : List.of(process(4711, usedBytes)),
        usedBytes == 0 ? List.of() : List.of(bypass(4713, id, "unattached")));
  }

  private static BypassView bypass(int pid, String tenant, String kind) {
    return new BypassView(
        pid, "python3", "/c", DEVICE, tenant, "", kind, 2 * GIB, STARTED, "reported");
  }

  private static ProcessView process(int pid, long bytes) {
    return new ProcessView(
        pid, pid, "python3", DEVICE, bytes, bytes == 0 ? 2 * GIB : bytes, 0, List.of());
  }

  private static Map<TakeBacks.Cause, Histogram.Snapshot> takeBacks() {
    TakeBacks takeBacks = new TakeBacks();
    takeBacks.add(TakeBacks.Cause.LOAN, Duration.ofMillis(30));
    return takeBacks.snapshot();
  }

  private static Moves.Snapshot moves(long bytes) {
    return new Moves.Snapshot(
        bytes, Duration.ofMillis(60), Duration.ofMillis(70), Map.of(MoveOutcome.DONE, 2L));
  }

  public static AgentStats stats() {
    return new AgentStats(
        4,
        Duration.ofMillis(6),
        10,
        8,
        3,
        Map.of("limit", 2L, "not_a_tenant", 1L),
        takeBacks(),
        7,
        4,
        1,
        3,
        0,
        takeBacks().get(TakeBacks.Cause.LOAN),
        moves(3 * GIB),
        moves(GIB),
        5,
        1,
        0,
        2,
        0,
        100,
        Duration.ofMillis(250),
        1,
        Map.of("unattached", 2L),
        Map.of("killed", 1L),
        Map.of(new FaultCounts.Kind(DEVICE, "31", "app", "ns", "pod", "train", false), 2L),
        Map.of("device_out", takeBacks().get(TakeBacks.Cause.LOAN)));
  }

  private static HealthView health() {
    return new HealthView(
        List.of("the kernel log cannot be read"),
        "2026.11",
        false,
        100,
        3,
        1,
        List.of(fault()),
        new KubernetesView("dry-run", "no answer", 2, 5, "half the fleet", "", 1, List.of()));
  }

  private static FaultView fault() {
    return new FaultView(
        12,
        STARTED,
        STARTED.plusSeconds(1),
        DEVICE,
        "31",
        "app",
        "A kernel or copy used an address that is not mapped, or not in that way.",
        "Look for the error in the program.",
        List.of("kernel-log", "nvml-event"),
        2,
        4711,
        "python3",
        "t1",
        "train",
        "ns",
        "pod",
        "main",
        "",
        "channel 0x0000000a",
        false);
  }
}
