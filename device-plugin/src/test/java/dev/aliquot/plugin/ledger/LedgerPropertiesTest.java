package dev.aliquot.plugin.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.quicktheories.QuickTheory.qt;
import static org.quicktheories.generators.SourceDSL.booleans;
import static org.quicktheories.generators.SourceDSL.integers;
import static org.quicktheories.generators.SourceDSL.longs;

import dev.aliquot.plugin.kubelet.PodSpec;
import dev.aliquot.plugin.kubelet.PodSpec.Container;
import dev.aliquot.plugin.node.NodeDevice;
import dev.aliquot.plugin.placement.Placement;
import dev.aliquot.plugin.support.FakeNode;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What holds whatever pods come, with init containers, sidecars and several containers. */
class LedgerPropertiesTest {
  @Test
  void startedContainersNeverHaveMoreThanADeviceAndAllIsFreeAtTheEnd() {
    qt().withExamples(300)
        .forAll(longs().between(0, 1_000_000), integers().between(1, 4), booleans().all())
        .checkAssert(
            (seed, devices, pack) -> run(seed, devices, pack ? Placement.PACK : Placement.SPREAD));
  }

  private static void run(long seed, int count, Placement placement) {
    Random random = new Random(seed);
    List<NodeDevice> devices = FakeNode.devices(count, OptionalInt.empty());
    Ledger ledger = new Ledger("aliquot.dev/gpu-fraction", placement, LedgerRules.DEFAULT);
    ModelKubelet kubelet = new ModelKubelet(ledger, devices, random, 30);
    kubelet.setForgetful(random.nextInt(4) == 0);
    try {
      for (int step = 0; step < 40; step++) {
        switch (random.nextInt(5)) {
          case 0, 1 -> {
            if (kubelet.free() > 0) {
              kubelet.add(pod("p" + step, random, count));
            }
          }
          case 2, 3 -> startSome(ledger, kubelet, random);
          default -> {
            List<String> names = new ArrayList<>(kubelet.pods());
            if (!names.isEmpty()) {
              kubelet.delete(names.get(random.nextInt(names.size())));
            }
            if (random.nextBoolean()) {
              kubelet.reconcile();
            }
          }
        }
        for (NodeDevice device : devices) {
          assertThat(ledger.usedByStarted(device.uuid())).isLessThanOrEqualTo(100);
          assertThat(kubelet.running(device.uuid())).isLessThanOrEqualTo(100);
        }
      }
    } catch (NeverException e) {
      throw new AssertionError(e);
    }
    kubelet.pods().forEach(kubelet::delete);
    kubelet.nowNanos += LedgerRules.DEFAULT.unlisted().toNanos();
    kubelet.reconcile();
    assertThat(ledger.grants()).isEmpty();
    devices.forEach(device -> assertThat(ledger.used(device.uuid())).isZero());
  }

  /** In the order of a pod: no two that share ids run together. */
  private static void startSome(Ledger ledger, ModelKubelet kubelet, Random random) {
    List<String> names = new ArrayList<>(kubelet.pods());
    if (names.isEmpty()) {
      return;
    }
    List<ModelKubelet.Running> containers =
        kubelet.containers(names.get(random.nextInt(names.size())));
    // A pod whose sandbox was made anew begins again.
    containers.forEach(container -> container.runs = false);
    for (ModelKubelet.Running container : containers) {
      try {
        if (random.nextInt(3) == 0) {
          startInVain(ledger, kubelet, container);
        }
        kubelet.start(container);
      } catch (NotYet e) {
        return;
      }
      if (container.spec.kind() == PodSpec.Kind.INIT) {
        container.runs = false;
      }
    }
  }

  /** Nothing else comes of it than that those have ended whose ids it has. */
  private static void startInVain(
      Ledger ledger, ModelKubelet kubelet, ModelKubelet.Running container) throws NotYet {
    List<KeptGrant> before = ledger.grants();
    Start start = kubelet.startInVain(container);
    assertThat(ledger.grants())
        .containsAll(
            before.stream().filter(kept -> !start.ended().contains(kept.grant().key())).toList());
  }

  private static PodSpec pod(String name, Random random, int devices) {
    List<Container> containers = new ArrayList<>();
    int inits = random.nextInt(3);
    for (int i = 0; i < inits; i++) {
      containers.add(
          random.nextInt(3) == 0
              ? PodSpec.sidecar("side" + i, 1 + random.nextInt(20))
              : PodSpec.init("init" + i, units(random, devices)));
    }
    int apps = 1 + random.nextInt(3);
    for (int i = 0; i < apps; i++) {
      containers.add(PodSpec.app("app" + i, units(random, devices)));
    }
    return PodSpec.of(name, containers.toArray(new Container[0]));
  }

  private static int units(Random random, int devices) {
    return devices > 1 && random.nextInt(6) == 0
        ? 100 * (1 + random.nextInt(devices))
        : 1 + random.nextInt(60);
  }
}
