package dev.aliquot.ledger;

import java.util.Random;
import java.util.stream.IntStream;

/** What a tenant has of one device: its share, the pages of its processes there, and its book. */
final class ModelHolding implements SlotPort {
  private static final int RESTORES_TO_A_FAILURE = 4;
  static final int SLOTS = 3;

  final ModelDevice device;
  final String name;
  final ModelProcess[] processes = new ModelProcess[SLOTS];
  final TenantBook book;
  final Priority priority;
  Share share;
  long overhead;

  /** The most that it may be covered for: its limit, or what had pushed it over that. */
  private long mostBytes;

  /** Of a tenant that has been admitted. */
  ModelHolding(ModelDevice device, String name, Share share) {
    this.device = device;
    this.name = name;
    this.share = share;
    this.mostBytes = share.limitBytes();
    Priority[] priorities = Priority.values();
    this.priority = priorities[device.node.random.nextInt(priorities.length)];
    for (int i = 0; i < SLOTS; i++) {
      processes[i] = new ModelProcess();
    }
    book = device.book.open(name, this);
  }

  @Override
  public long usedBytes(int slot) {
    device.interleave();
    return processes[slot].used;
  }

  /** Any number: what a process says of its changes is no more than a hint. */
  @Override
  public long changes(int slot) {
    return device.node.random.nextLong(3);
  }

  @Override
  public long movableBytes(int slot) {
    return processes[slot].movable;
  }

  @Override
  public long demotedBytes(int slot) {
    return processes[slot].demoted;
  }

  @Override
  public long hostBytes(int slot) {
    return processes[slot].demoted;
  }

  @Override
  public void writeCredit(int slot, long creditBytes) {
    device.interleave();
    device.written();
    Broken.unless(creditBytes >= 0, "credit >= 0", this);
    processes[slot].credit = creditBytes;
    device.interleave();
  }

  @Override
  public void writeCovered(int slot, long coveredBytes) {
    device.written();
    processes[slot].covered = coveredBytes;
    Broken.unless(processes[slot].credit <= coveredBytes, "published: credit <= covered", this);
  }

  @Override
  public void writeResident(int slot, long residentBytes) {
    device.written();
    processes[slot].resident = residentBytes;
    processes[slot].wake++;
    device.demands += residentBytes == RESIDENT_ALL ? 0 : 1;
  }

  @Override
  public void writeAway(int slot, boolean away) {
    device.written();
    processes[slot].away(away);
    device.departures += away ? 1 : 0;
  }

  @Override
  public boolean isParked(int slot) {
    return processes[slot].parked;
  }

  @Override
  public int wake(int slot) {
    return processes[slot].wake;
  }

  /** What cannot move has to fit the request, as the tenant's library sees to. */
  long fixedRoom() {
    long fixed = overhead;
    for (ModelProcess process : processes) {
      fixed += process.context + process.fixed + (process.chargingMovable ? 0 : process.charging);
    }
    return share.requestBytes() - fixed;
  }

  /** Covered by the book, and the driver's. */
  long takenBytes() {
    long taken = overhead;
    for (int slot = 0; slot < SLOTS; slot++) {
      taken += book.coveredBytes(slot);
    }
    return taken;
  }

  /** The driver takes more for a process, or less: nobody can refuse it. */
  void overhead(Random random) {
    long bytes = random.nextLong(Math.max(1, Math.min(60, overhead + fixedRoom()) + 1));
    long riseBytes = Math.max(0, bytes - overhead);
    mostBytes = Math.max(share.limitBytes(), mostBytes + riseBytes);
    device.pushed(riseBytes);
    overhead = bytes;
    book.overhead(bytes);
  }

  /**
   * The contexts of a process that is out leave the device with all that it has there, or the
   * driver does not let them.
   */
  void sink(int slot, Random random) {
    ModelProcess process = processes[slot];
    if (process.parked && !process.bare && !process.restored && overhead > 0) {
      long bytes = 1 + random.nextLong(overhead);
      book.deep().sink(slot, bytes, 0);
      if (random.nextInt(4) == 0) {
        book.deep().surfaced(slot, overhead);
        return;
      }
      process.bare = true;
      process.context = bytes;
      book.deep().sunk(slot);
      overhead -= bytes;
      book.overhead(overhead);
    }
  }

  /**
   * A process that is away asks once to run; granted, its contexts are on the device again, but
   * where the driver fails.
   */
  AskResult resume(int slot, boolean whole) {
    ModelProcess process = processes[slot];
    AskResult result = book.resume(slot, whole);
    if (process.bare && result instanceof AskResult.Granted) {
      Broken.unless(
          book.deep().missingBytes(slot) == 0
              && book.deep().reservedContextBytes(slot) == process.context
              && book.coveredBytes(slot) >= process.ownBytes(),
          "nobody is restored without room",
          this);
      device.restores++;
      if (device.restores % RESTORES_TO_A_FAILURE == 0) {
        book.deep().sinkAgain(slot);
        return new AskResult.MakingRoom(process.context);
      }
      process.bare = false;
      process.restored = true;
    }
    return result;
  }

  /** A reading that began when these contexts were back already. */
  void surfaced(int slot) {
    ModelProcess process = processes[slot];
    process.restored = false;
    overhead += process.context;
    process.context = 0;
    book.deep().surfaced(slot, overhead);
  }

  /** What its processes need to come back to the device. */
  long sunkBytes() {
    return IntStream.range(0, SLOTS).mapToLong(book.deep()::missingBytes).sum();
  }

  /** Off the device, or kept for what comes back to it. */
  private long contextBytes(int slot) {
    return book.deep().missingContextBytes(slot) + book.deep().reservedContextBytes(slot);
  }

  /** Whether all that the tenant uses, with this ask, is within its request. */
  boolean isGuaranteed(int slot) {
    long used = overhead + processes[slot].used;
    long demoted = 0;
    for (int i = 0; i < SLOTS; i++) {
      demoted += processes[i].demoted + book.deep().missingBytes(i);
      used += book.deep().reservedContextBytes(i);
      // siblings go on meanwhile, and may use what they have credit for
      used += i == slot ? 0 : Math.max(processes[i].credit, processes[i].used);
    }
    return !processes[slot].bare
        && used <= share.requestBytes()
        && used + demoted <= share.limitBytes();
  }

  /** Answers what the book has it covered for. */
  long check() {
    long taken = overhead;
    for (int slot = 0; slot < SLOTS; slot++) {
      ModelProcess process = processes[slot];
      long covered = book.coveredBytes(slot);
      Broken.unless(process.credit == book.creditBytes(slot), "published is booked", this);
      Broken.unless(process.credit <= covered, "credit <= covered", this);
      Broken.unless(
          process.covered == covered || (process.bare && process.covered > covered),
          "published as covered is booked",
          this);
      Broken.unless(
          process.covered >= process.ownBytes(), "the next agent knows what is held", this);
      Broken.unless(process.heldBytes() <= covered, "held <= covered", this);
      Broken.unless(process.away == book.isAway(slot), "published as away is booked", this);
      Broken.unless(
          !process.away || process.resident != RESIDENT_ALL, "who is away has a demand", this);
      Broken.unless(
          contextBytes(slot) == process.context, "missing and kept are the context", this);
      taken += covered + book.deep().reservedContextBytes(slot);
    }
    mostBytes = Math.max(share.limitBytes(), mostBytes);
    Broken.unless(taken <= mostBytes, "sum(covered) + overhead <= limit", this);
    mostBytes = taken;
    return taken;
  }

  /** Changes with whatever the book has written down about it. */
  long digest() {
    long digest = share.hashCode() * 31L + book.overheadBytes();
    for (int slot = 0; slot < SLOTS; slot++) {
      digest = digest * 31 + processes[slot].credit;
      digest = digest * 31 + processes[slot].resident;
      digest = digest * 31 + (processes[slot].away ? 1 : 0);
      digest = digest * 31 + book.deep().missingBytes(slot);
      digest = digest * 31 + book.coveredBytes(slot);
    }
    return digest;
  }

  @Override
  public String toString() {
    StringBuilder text =
        new StringBuilder(
            "%n  %s request %d limit %d overhead %d"
                .formatted(name, share.requestBytes(), share.limitBytes(), overhead));
    for (int slot = 0; slot < SLOTS; slot++) {
      ModelProcess process = processes[slot];
      if (process.attached) {
        text.append(
            " .%d[%s credit %d covered %d used %d held %d demoted %d context %d of %d]"
                .formatted(
                    slot,
                    process.bare
                        ? "deep"
                        : process.parked ? "parked" : process.away ? "leaving" : "runs",
                    process.credit,
                    book.coveredBytes(slot),
                    process.used,
                    process.heldBytes(),
                    process.demoted,
                    book.deep().reservedContextBytes(slot),
                    process.context));
      }
    }
    return text.toString();
  }
}
