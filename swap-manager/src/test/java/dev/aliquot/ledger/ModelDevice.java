package dev.aliquot.ledger;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * A device with tenants whose processes are stepped at random between and, through the ports, in
 * the middle of every operation of the book.
 */
final class ModelDevice {
  static final long CAPACITY = 4000;
  private static final int ENOUGH_ROUNDS = 400;
  private static final int ENOUGH_TURNS = 40;

  private static final long DEMAND_AHEAD = 150;
  final DeviceBook book;
  final List<ModelHolding> holdings = new ArrayList<>();
  final ModelNode node;
  long guaranteedAsks;
  long demands;
  long departures;
  long returns;
  long restores;
  private final int index;
  private long foreign;
  private @Nullable ModelProcess asking;

  /** The most that may be covered in all: the capacity, or what had pushed it over that. */
  private long mostBytes = CAPACITY;

  private long lastDigest;

  ModelDevice(ModelNode node, int index) {
    this.node = node;
    this.index = index;
    this.book = new DeviceBook("GPU-" + index, CAPACITY, DEMAND_AHEAD);
    this.book.swapPolicy(new AnyPolicy());
  }

  /** Whoever is asked about may be anything. */
  private final class AnyPolicy implements SwapPolicy {
    @Override
    public List<Leaver> leavers(String claimant) {
      return anyLeavers();
    }

    @Override
    public Priority priority(String tenant) {
      return holdings.stream()
          .filter(holding -> holding.name.equals(tenant))
          .findFirst()
          .map(holding -> holding.priority)
          .orElse(Priority.NORMAL);
    }

    @Override
    public boolean isActive(String tenant) {
      return node.random.nextBoolean();
    }
  }

  /** Any of the tenants, in any order. */
  private List<SwapPolicy.Leaver> anyLeavers() {
    List<SwapPolicy.Leaver> leavers = new ArrayList<>();
    SwapPolicy.Readiness[] all = SwapPolicy.Readiness.values();
    int first = node.random.nextInt(ModelNode.MOST_TENANTS);
    for (int i = 0; i < holdings.size(); i++) {
      ModelHolding holding = holdings.get((first + i) % holdings.size());
      if (node.random.nextInt(3) != 0) {
        leavers.add(new SwapPolicy.Leaver(holding.name, all[node.random.nextInt(all.length)]));
      }
    }
    return leavers;
  }

  /** Processes of any tenant do something. */
  void interleave() {
    Random random = node.random;
    for (int i = holdings.isEmpty() ? 0 : random.nextInt(4); i > 0; i--) {
      ModelHolding holding = holdings.get(random.nextInt(holdings.size()));
      holding.processes[random.nextInt(ModelHolding.SLOTS)].step(random, holding.fixedRoom());
    }
  }

  /** A port of this device has been written to. */
  void written() {
    Broken.unless(node.isTouched(this), "an operation changes nothing on other devices", this);
  }

  /** What nobody can refuse is more by so much. */
  void pushed(long bytes) {
    mostBytes = Math.max(CAPACITY, mostBytes + bytes);
  }

  void read() {
    holdings.forEach(holding -> holding.book.beginReading());
    interleave();
    for (ModelHolding holding : holdings) {
      for (int slot = 0; slot < ModelHolding.SLOTS; slot++) {
        if (holding.processes[slot].restored && node.random.nextBoolean()) {
          holding.surfaced(slot);
        }
      }
      holding.book.endReading(holding.overhead);
    }
    book.foreign(foreign);
  }

  /** Processes that are no tenant's take some of what nobody holds, or let go of it. */
  void strangers() {
    long heldBytes = 0;
    for (ModelHolding holding : holdings) {
      heldBytes += holding.overhead;
      for (ModelProcess process : holding.processes) {
        heldBytes += process.heldBytes() + (process.restored ? process.context : 0);
      }
    }
    long freeBytes = Math.max(0, CAPACITY - heldBytes);
    long bytes = node.random.nextInt(3) == 0 ? node.random.nextLong(freeBytes / 2 + 1) : 0;
    pushed(Math.max(0, bytes - foreign));
    foreign = bytes;
    book.foreign(bytes);
  }

  /** The first that waits for an answer, from this process on. */
  void askWhoMust(int tenant, int slot) {
    int asks = holdings.size() * ModelHolding.SLOTS;
    for (int i = 0; i < asks; i++) {
      int at = (tenant * ModelHolding.SLOTS + slot + i) % asks;
      ModelHolding holding = holdings.get(at / ModelHolding.SLOTS);
      if (holding.processes[at % ModelHolding.SLOTS].mustAsk) {
        askToTheEnd(holding, at % ModelHolding.SLOTS);
        return;
      }
    }
  }

  /** An ask to its end, as the agent answers it: what is guaranteed must be had. */
  private void askToTheEnd(ModelHolding holding, int slot) {
    ModelProcess process = holding.processes[slot];
    asking = process;
    long wanted = process.used;
    boolean guaranteed = holding.isGuaranteed(slot) && requestBytes() + foreign <= CAPACITY;
    AskResult result = holding.book.ask(slot, wanted);
    int rounds = 0;
    while (!(result instanceof AskResult.Granted) && rounds++ < ENOUGH_ROUNDS) {
      if (result instanceof AskResult.AfterReading) {
        read();
      } else if (result instanceof AskResult.MakingRoom || guaranteed) {
        book.forgiveStuck();
        holdings.forEach(this::others);
      } else {
        break;
      }
      // siblings may have been given what was left of the request
      guaranteed &= holding.isGuaranteed(slot);
      // what the process has moved out meanwhile it does not need any more
      wanted = process.used;
      result = holding.book.ask(slot, wanted);
      node.check();
    }
    if (result instanceof AskResult.Granted) {
      Broken.unless(process.credit >= wanted, "granted is published", holding);
      process.taken();
      process.mustAsk = false;
    } else {
      holding.book.withdraw(slot);
      Broken.unless(!guaranteed, "an ask within the request is granted: " + result, this);
      process.giveUp();
    }
    guaranteedAsks += guaranteed ? 1 : 0;
    withdrawAll();
  }

  /** A process that is away runs again, to the end, whatever the others do. */
  void resume(ModelHolding holding, int slot) {
    ModelProcess process = holding.processes[slot];
    asking = process;
    AskResult result = holding.resume(slot, true);
    for (int i = 0; i < ENOUGH_TURNS && !(result instanceof AskResult.Granted); i++) {
      if (result instanceof AskResult.AfterReading) {
        read();
      } else {
        book.forgiveStuck();
        holdings.forEach(this::others);
      }
      result = holding.resume(slot, i < ENOUGH_TURNS / 2);
      node.check();
    }
    returns += result instanceof AskResult.Granted ? 1 : 0;
    holding.book.comeBack(slot);
    Broken.unless(
        process.away == process.bare, "who has resumed is not away, or found no room", holding);
    Broken.unless(
        !process.bare || holding.book.deep().reservedContextBytes(slot) == 0,
        "nothing is kept for who does not come back",
        holding);
    withdrawAll();
  }

  private void withdrawAll() {
    // whoever still waits asks anew, as the agent does for it all the time
    for (ModelHolding each : holdings) {
      for (int other = 0; other < ModelHolding.SLOTS; other++) {
        each.book.withdraw(other);
      }
    }
  }

  /** What the others do meanwhile: they move what they are told to, and ask for their own. */
  private void others(ModelHolding holding) {
    for (int slot = 0; slot < ModelHolding.SLOTS; slot++) {
      ModelProcess process = holding.processes[slot];
      process.move();
      if (process.attached && !process.away && node.random.nextInt(8) == 0) {
        holding.book.returned(slot);
      }
      if (process.attached) {
        holding.book.moved();
      }
      if (process.parked && process != asking && node.random.nextInt(4) == 0) {
        AskResult unused = holding.resume(slot, node.random.nextBoolean());
        if (process.bare && node.random.nextBoolean()) {
          holding.book.comeBack(slot);
        }
      }
      if (process.mustAsk && process != asking) {
        AskResult result = holding.book.ask(slot, process.used);
        if (result instanceof AskResult.Granted) {
          process.taken();
          process.mustAsk = false;
        } else if (result instanceof AskResult.Refused refused
            && refused.cause() != AskResult.Cause.STUCK) {
          holding.book.withdraw(slot);
          process.giveUp();
        }
      }
    }
  }

  long requestBytes() {
    long requests = 0;
    for (ModelHolding holding : holdings) {
      requests += holding.share.requestBytes();
    }
    return requests;
  }

  /** Whether there is room whatever of the others' memory turns out not to move. */
  boolean surelyHasRoom(String tenant, Share share) {
    long bytes = share.requestBytes();
    for (ModelHolding holding : holdings) {
      if (!holding.name.equals(tenant)) {
        bytes += Math.max(holding.share.requestBytes(), holding.takenBytes() + holding.sunkBytes());
      }
    }
    return bytes <= CAPACITY && share.limitBytes() <= CAPACITY;
  }

  void check() {
    long requests = requestBytes();
    long taken = foreign;
    for (ModelHolding holding : holdings) {
      taken += holding.check();
    }
    Broken.unless(requests <= CAPACITY, "sum(request) <= capacity", this);
    Broken.unless(requests == book.allocatedBytes(), "allocated is sum(request)", this);
    mostBytes = Math.max(CAPACITY, mostBytes);
    Broken.unless(taken <= mostBytes, "sum(covered) + overhead + foreign <= capacity", this);
    mostBytes = taken;
    long digest = digest();
    Broken.unless(
        digest == lastDigest || node.isTouched(this),
        "an operation changes nothing on other devices",
        this);
    lastDigest = digest;
  }

  private long digest() {
    long digest = foreign * 31 + book.demands();
    for (ModelHolding holding : holdings) {
      digest = digest * 31 + holding.digest();
    }
    return digest;
  }

  @Override
  public String toString() {
    return "\ndevice %d, capacity %d, strangers %d:%s"
        .formatted(
            index,
            CAPACITY,
            foreign,
            holdings.stream().map(ModelHolding::toString).reduce("", String::concat));
  }
}
