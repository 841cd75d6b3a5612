package dev.aliquot.ledger;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A node of devices with tenants that have shares of one or several of them. Does the steps of a
 * history, and checks the invariants of every device after each.
 */
final class ModelNode {
  static final int MOST_TENANTS = 8;
  private static final int FIRST_TENANTS = 6;
  private static final int PATIENCE = 2;

  final List<ModelDevice> devices;
  Random random = new Random(0);
  long operations;
  long admissions;
  long refusals;

  /** By number, null where there is none. */
  private final @Nullable List<ModelHolding>[] tenants;

  private Set<ModelDevice> touched;

  @SuppressWarnings("unchecked")
  ModelNode(int count) {
    devices = IntStream.range(0, count).mapToObj(i -> new ModelDevice(this, i)).toList();
    touched = Set.copyOf(devices);
    tenants = (List<ModelHolding>[]) new List<?>[MOST_TENANTS];
    List<Share> shares =
        List.of(
            new Share(1000, ModelDevice.CAPACITY),
            new Share(1000, ModelDevice.CAPACITY),
            new Share(500, 2500),
            Share.fixed(700),
            new Share(300, 301),
            new Share(100, 3000));
    for (int i = 0; i < FIRST_TENANTS; i++) {
      Share share = shares.get(i);
      List<ModelDevice> on = new ArrayList<>();
      for (int device = 0; device < count; device++) {
        if (count == 1 || (i + device) % 4 != 3) {
          on.add(devices.get(device));
        }
      }
      admit(i, on, on.stream().map(device -> share).toList());
    }
    check();
  }

  /** Whether the operation may change anything on a device. */
  boolean isTouched(ModelDevice device) {
    return touched.contains(device);
  }

  void apply(Step step) {
    random = step.random();
    ModelDevice device = devices.get(step.device(devices.size()));
    for (int i = random.nextInt(12); i > 0; i--) {
      (random.nextInt(4) == 0 ? devices.get(random.nextInt(devices.size())) : device).interleave();
    }
    touched = Set.of(device);
    int slot = step.slot();
    List<ModelHolding> tenant = tenants[step.tenant()];
    switch (step.operation()) {
      case ASK -> device.askWhoMust(step.tenant(), slot);
      case READING -> device.read();
      case PROMOTE -> device.book.promote();
      case RECLAIM -> device.book.reclaim();
      case LOOK_AT_DEMANDS -> device.book.checkDemands(PATIENCE);
      case FORGIVE -> device.book.forgiveStuck();
      case STRANGER -> device.strangers();
      case TENANT_COMES -> {
        if (tenant == null) {
          tenantComes(step.tenant(), device);
        }
      }
      default -> {
        if (tenant != null) {
          apply(step, tenant, device);
        }
      }
    }
    check();
  }

  private void apply(Step step, List<ModelHolding> tenant, ModelDevice device) {
    int slot = step.slot();
    switch (step.operation()) {
      case PROCESS_COMES_OR_GOES -> processComesOrGoes(tenant, slot);
      case CANNOT_GIVE_BACK -> on(device, tenant).forEach(each -> cannotGiveBack(each, slot));
      case LEAVE -> on(device, tenant).forEach(each -> leave(each, slot));
      case RESUME -> on(device, tenant).forEach(each -> resume(each, slot));
      case RETURNS_BY_ITSELF ->
          on(device, tenant).forEach(each -> each.processes[slot].comeBackByItself());
      case SINK -> on(device, tenant).forEach(each -> each.sink(slot, random));
      case OVERHEAD -> on(device, tenant).forEach(each -> each.overhead(random));
      case RESIZE -> resize(tenant);
      case TENANT_GOES -> {
        if (random.nextInt(3) == 0) {
          tenantGoes(step.tenant(), tenant);
        }
      }
      default -> throw new IllegalStateException("no tenant's: " + step);
    }
  }

  private static List<ModelHolding> on(ModelDevice device, List<ModelHolding> tenant) {
    return tenant.stream().filter(holding -> holding.device == device).toList();
  }

  private static Set<ModelDevice> devicesOf(Collection<ModelHolding> tenant) {
    return Set.copyOf(tenant.stream().map(holding -> holding.device).toList());
  }

  private static void cannotGiveBack(ModelHolding holding, int slot) {
    if (holding.processes[slot].attached) {
      holding.book.couldNotMove(slot, holding.wake(slot));
    }
  }

  private void leave(ModelHolding holding, int slot) {
    boolean ignored =
        random.nextBoolean() ? holding.book.leave(slot) : holding.book.leaveWhole(slot);
  }

  private static void resume(ModelHolding holding, int slot) {
    if (holding.processes[slot].away) {
      holding.device.resume(holding, slot);
    }
  }

  /** A process has its slot on all of the tenant's devices. */
  private void processComesOrGoes(List<ModelHolding> tenant, int slot) {
    boolean goes = tenant.getFirst().processes[slot].attached;
    if (goes && random.nextInt(6) != 0) {
      return;
    }
    touched = devicesOf(tenant);
    for (ModelHolding holding : tenant) {
      if (goes) {
        holding.processes[slot].end();
        holding.book.detach(slot);
      } else {
        holding.book.attach(slot);
        holding.processes[slot].attached = true;
      }
    }
  }

  private void tenantComes(int number, ModelDevice first) {
    List<ModelDevice> on = new ArrayList<>(List.of(first));
    devices.stream().filter(each -> each != first && random.nextBoolean()).forEach(on::add);
    List<Share> shares = new ArrayList<>();
    for (int i = 0; i < on.size(); i++) {
      long request = 1L + random.nextInt(1000);
      shares.add(
          random.nextInt(4) == 0
              ? Share.fixed(request)
              : new Share(request, request + random.nextInt(3500)));
    }
    touched = Set.copyOf(on);
    if (!admit(number, on, shares)) {
      touched = Set.of();
    }
  }

  /** All or nothing; it is refused only where some device may have no room. */
  private boolean admit(int number, List<ModelDevice> on, List<Share> shares) {
    String name = "t" + number;
    boolean must = all(on, shares, (device, share) -> device.surelyHasRoom(name, share));
    boolean admitted =
        decided(new Allotment(name, parts(on, shares)).admit(), must, name + " is admitted");
    if (admitted) {
      List<ModelHolding> holdings = new ArrayList<>();
      for (int i = 0; i < on.size(); i++) {
        ModelHolding holding = new ModelHolding(on.get(i), name, shares.get(i));
        on.get(i).holdings.add(holding);
        holding.overhead(random);
        holdings.add(holding);
      }
      tenants[number] = holdings;
    }
    return admitted;
  }

  private void resize(List<ModelHolding> tenant) {
    List<ModelDevice> on = tenant.stream().map(holding -> holding.device).toList();
    List<Share> shares = new ArrayList<>();
    for (ModelHolding holding : tenant) {
      // what cannot move stays within the request
      long least = holding.share.requestBytes() - holding.fixedRoom();
      long request = Math.max(1L + random.nextInt(1200), least);
      shares.add(new Share(request, Math.max(request, random.nextLong(ModelDevice.CAPACITY + 1))));
    }
    String name = tenant.getFirst().name;
    boolean must =
        all(on, shares, (device, share) -> device.surelyHasRoom(name, share))
            && tenant.stream().allMatch(holding -> holding.sunkBytes() == 0);
    Allotment allotment = new Allotment(name, parts(on, shares));
    touched = Set.of();
    if (decided(allotment.checkResize(), must, name + " is resized")) {
      touched = devicesOf(tenant);
      for (int i = 0; i < tenant.size(); i++) {
        tenant.get(i).share = shares.get(i);
      }
      allotment.resize();
    }
  }

  private void tenantGoes(int number, List<ModelHolding> tenant) {
    touched = devicesOf(tenant);
    for (ModelHolding holding : tenant) {
      Arrays.stream(holding.processes).forEach(ModelProcess::end);
      holding.device.holdings.remove(holding);
      holding.device.book.release(holding.name);
    }
    tenants[number] = null;
  }

  private boolean decided(Admission admission, boolean must, String what) {
    boolean admitted = admission instanceof Admission.Admitted;
    Broken.unless(admitted || !must, what + ": " + admission, this);
    admissions += admitted ? 1 : 0;
    refusals += admitted ? 0 : 1;
    return admitted;
  }

  private interface Test {
    boolean on(ModelDevice device, Share share);
  }

  private static boolean all(List<ModelDevice> on, List<Share> shares, Test test) {
    return IntStream.range(0, on.size()).allMatch(i -> test.on(on.get(i), shares.get(i)));
  }

  private static List<Allotment.Part> parts(List<ModelDevice> on, List<Share> shares) {
    return IntStream.range(0, on.size())
        .mapToObj(i -> new Allotment.Part(on.get(i).book, shares.get(i)))
        .toList();
  }

  /** Every device, whatever the operation was about. */
  void check() {
    operations++;
    devices.forEach(ModelDevice::check);
  }

  @Override
  public String toString() {
    return devices.stream().map(ModelDevice::toString).reduce("", String::concat);
  }
}
