package dev.aliquot.plugin.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.plugin.kubelet.PodSpec;
import dev.aliquot.plugin.node.NodeDevice;
import dev.aliquot.plugin.placement.Placement;
import dev.aliquot.plugin.support.FakeNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Many pods come and go: a fraction is never on two devices, and a pod waits only where no device
 * has room for it. What is accepted is compared with best fit over plain numbers.
 */
class PackingSimulationTest {
  private static final int EVENTS = 100_000;
  private static final int[] FRACTIONS = {5, 10, 12, 20, 25, 30, 33, 40, 50, 60, 75, 90, 100};

  private final List<NodeDevice> most = FakeNode.devices(16, OptionalInt.empty());
  private long events;
  private long offered;
  private long accepted;
  private long acceptedByBestFit;

  @Test
  void aHundredThousandArrivalsAndDeparturesNeverSplitAFraction() throws Exception {
    for (int run = 0; events < EVENTS; run++) {
      sequence(new Random(run), 1 + run % 16, run % 4 == 3 ? 100 : 20, 2_000);
    }
    double ratio = (double) accepted / acceptedByBestFit;
    System.out.printf(
        "packing: %d arrivals and departures, %d containers offered, %d accepted, %d by best fit over"
            + " plain numbers: ratio %.4f%n",
        events, offered, accepted, acceptedByBestFit, ratio);
    assertThat(ratio).isBetween(0.97, 1.03);
  }

  private void sequence(Random random, int count, int stubborn, int length) throws Exception {
    List<NodeDevice> devices = most.subList(0, count);
    Ledger ledger = new Ledger("aliquot.dev/gpu-fraction", Placement.PACK, LedgerRules.DEFAULT);
    ModelKubelet kubelet = new ModelKubelet(ledger, devices, random, stubborn);
    BestFit plain = new BestFit(count);
    List<String> names = new ArrayList<>();
    for (int step = 0; step < length; step++) {
      events++;
      if (random.nextInt(100) < 55 || names.isEmpty()) {
        String name = "p" + step;
        int units = units(random, count);
        offered++;
        acceptedByBestFit += plain.add(name, units) ? 1 : 0;
        if (arrive(kubelet, devices, PodSpec.of(name, units))) {
          accepted++;
        }
        names.add(name);
      } else {
        String name = names.remove(random.nextInt(names.size()));
        plain.remove(name);
        if (kubelet.pods().contains(name)) {
          kubelet.delete(name);
          kubelet.reconcile();
        }
      }
    }
    List.copyOf(kubelet.pods()).forEach(kubelet::delete);
    kubelet.nowNanos += LedgerRules.DEFAULT.unlisted().toNanos();
    kubelet.reconcile();
    assertThat(ledger.grants()).isEmpty();
  }

  /** Whether it was started at once; one that has to wait is deleted. */
  private static boolean arrive(ModelKubelet kubelet, List<NodeDevice> devices, PodSpec spec)
      throws NeverException {
    int units = spec.containers().getFirst().units();
    long fitting = devices.stream().filter(device -> room(kubelet, device) >= share(units)).count();
    boolean fits = fitting >= Math.max(1, units / 100);
    if (!kubelet.add(spec)) {
      assertThat(fits).as("the kubelet has ids wherever there is room").isFalse();
      return false;
    }
    ModelKubelet.Running container = kubelet.containers(spec.name()).getFirst();
    assertThat(container.grant.devices()).hasSize(Math.max(1, units / 100)).doesNotHaveDuplicates();
    try {
      kubelet.start(container);
      devices.forEach(
          device -> assertThat(kubelet.running(device.uuid())).isLessThanOrEqualTo(100));
      return true;
    } catch (NotYet e) {
      assertThat(e.why()).isEqualTo(Wait.ROOM);
      assertThat(fits).as("%s, though there is room", e.getMessage()).isFalse();
      kubelet.delete(spec.name());
      kubelet.nowNanos += LedgerRules.DEFAULT.unlisted().toNanos();
      kubelet.reconcile();
      return false;
    }
  }

  private static int room(ModelKubelet kubelet, NodeDevice device) {
    return 100 - kubelet.running(device.uuid());
  }

  private static int share(int units) {
    return Math.min(units, 100);
  }

  private static int units(Random random, int devices) {
    return devices > 1 && random.nextInt(20) == 0
        ? 100 * (2 + random.nextInt(Math.min(3, devices - 1)))
        : FRACTIONS[random.nextInt(FRACTIONS.length)];
  }

  /** What is accepted where nothing but numbers is in the way. */
  private static final class BestFit {
    private final int[] used;
    private final Map<String, int[]> pods = new LinkedHashMap<>();

    BestFit(int devices) {
      used = new int[devices];
    }

    boolean add(String name, int units) {
      int share = Math.min(units, 100);
      int[] chosen = new int[Math.max(1, units / 100)];
      boolean[] taken = new boolean[used.length];
      for (int i = 0; i < chosen.length; i++) {
        int best = -1;
        for (int d = 0; d < used.length; d++) {
          if (!taken[d] && used[d] + share <= 100 && (best < 0 || used[d] > used[best])) {
            best = d;
          }
        }
        if (best < 0) {
          return false;
        }
        taken[best] = true;
        chosen[i] = best;
      }
      for (int d : chosen) {
        used[d] += share;
      }
      int[] entry = java.util.Arrays.copyOf(chosen, chosen.length + 1);
      entry[chosen.length] = share;
      pods.put(name, entry);
      return true;
    }

    void remove(String name) {
      int[] entry = pods.remove(name);
      for (int i = 0; entry != null && i < entry.length - 1; i++) {
        used[entry[i]] -= entry[entry.length - 1];
      }
    }
  }
}
