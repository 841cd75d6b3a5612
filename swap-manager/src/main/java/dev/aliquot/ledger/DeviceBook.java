package dev.aliquot.ledger;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Who may hold how much of one device. Thread-safe: its own lock, under which the tenants' books
 * work, too, and the ports are called.
 *
 * <p>Invariants: sum(request) <= capacity, unless tenants were carried over from an agent that knew
 * a larger one; sum(covered) + sum(overhead) <= capacity - what strangers hold, except where
 * overhead or strangers, which nobody can refuse, have pushed it over; a process that asks within
 * its tenant's request is refused only when those who borrowed the memory cannot give it back.
 */
public final class DeviceBook {
  private final Admissions admissions;
  private final long capacityBytes;
  private final Map<String, Tenancy> books = new LinkedHashMap<>();
  private final Claims claims = new Claims((_, _) -> 0);
  private final Claims wishes = new Claims(this::byPriority);
  private final Room room;
  private final Demands demands;
  private final Swaps swaps;
  private final Asks asks;
  private final Returns returns;
  private boolean stopped;

  /** One that demands no more back than is asked for. */
  public DeviceBook(String device, long capacityBytes) {
    this(device, capacityBytes, 0);
  }

  /**
   * @param device how sentences name it
   * @param capacityBytes what tenants can be given in all
   * @param demandAheadBytes how much more of its request than a tenant asks for is demanded back
   *     for it: each demand has a borrower's device come to rest, so they should be few
   */
  public DeviceBook(String device, long capacityBytes, long demandAheadBytes) {
    this.admissions = new Admissions(device, capacityBytes, this::fixedBytes);
    this.capacityBytes = capacityBytes;
    this.room = new Room(capacityBytes, books.values(), claims, wishes);
    this.demands = new Demands(books.values(), claims, room, demandAheadBytes);
    this.swaps = new Swaps(books, claims, wishes);
    this.asks = new Asks(books, room, claims, wishes, demands, swaps);
    this.returns = new Returns(room, asks, claims, wishes, swaps);
  }

  // ---- requests

  /** Guarantees a share to a tenant, if it is free. A tenant has one share per device. */
  public synchronized Admission admit(String tenant, Share share) {
    return admissions.admit(tenant, share);
  }

  /**
   * Takes over what an earlier agent has allocated, whether it fits or not: a request that was
   * admitted is kept.
   */
  public synchronized void restore(String tenant, Share share) {
    admissions.restore(tenant, share);
  }

  /**
   * Changes a tenant's share, at once: a larger request is guaranteed if it is free; what it holds
   * beyond a smaller one is a loan from now on. One to which a process that the driver has taken
   * off the device could not come back is refused.
   */
  public synchronized Admission resize(String tenant, Share share) {
    Admission admission = checkResize(tenant, share);
    if (admission instanceof Admission.Admitted) {
      change(tenant, share);
    }
    return admission;
  }

  /** What {@link #resize} would answer now. Changes nothing. */
  synchronized Admission checkResize(String tenant, Share share) {
    Tenancy book = books.get(tenant);
    return book == null || book.couldComeBackTo(share)
        ? admissions.checkResize(tenant, share)
        : new Admission.Refused(
            "processes of it are deep, and need more than that to come back: have them come back"
                + " first");
  }

  /** Changes a tenant's share, whether it fits or not. */
  synchronized void change(String tenant, Share share) {
    admissions.change(tenant, share);
    Tenancy book = books.get(tenant);
    if (book != null) {
      book.share(share);
    }
  }

  /** Forgets the tenant; its ports are not called any more. Without a share, nothing. */
  public synchronized void release(String tenant) {
    Tenancy book = books.remove(tenant);
    if (book != null) {
      book.slots().forEach(slot -> asks.withdraw(book, slot));
    }
    admissions.release(tenant);
  }

  public long capacityBytes() {
    return capacityBytes;
  }

  /** The sum of the requests. */
  public synchronized long allocatedBytes() {
    return admissions.allocatedBytes();
  }

  /** What can still be allocated, never less than 0. */
  public synchronized long freeBytes() {
    return admissions.freeBytes();
  }

  // ---- memory

  /** Opens the book of a tenant that has a share. */
  public synchronized TenantBook open(String tenant, SlotPort port) {
    Tenancy tenancy = new Tenancy(this, tenant, admissions.share(tenant));
    if (books.putIfAbsent(tenant, tenancy) != null) {
      throw new IllegalArgumentException("the book of tenant " + tenant + " is open");
    }
    return new TenantBook(this, tenancy, port);
  }

  /** What processes that are no tenant's hold of the device. */
  public synchronized void foreign(long bytes) {
    room.foreign(bytes);
    shrinkToFit();
  }

  /**
   * The most that may be lent in all: what could be taken back, which needs a place to move it to.
   */
  public synchronized void lendable(long bytes) {
    room.lendable(bytes);
  }

  /** Who may be swapped out, from now on. */
  public synchronized void swapPolicy(SwapPolicy policy) {
    swaps.policy(policy);
  }

  /**
   * What the host pool can take of tenants that are swapped out, beside all that is lent on any
   * device, which it has to take, too.
   */
  public synchronized void hostRoom(long bytes) {
    swaps.hostBytes(bytes);
  }

  /** What new host memory it would take to have everything back that is lent. */
  public synchronized long unbackedBytes() {
    return room.unbackedBytes();
  }

  /** Whether overhead or strangers, which nobody can refuse, have taken more than there is. */
  public synchronized boolean isOver() {
    return room.overBytes() > 0;
  }

  /** What is held beyond the requests, over all tenants. */
  public synchronized long loanBytes() {
    return room.loanBytes();
  }

  /**
   * From now on nothing is handed out: tenants are let go of one after the other, and what one
   * holds must not seem free to the next.
   */
  public synchronized void stop() {
    stopped = true;
  }

  /** How often memory has been demanded back. */
  public synchronized long demands() {
    return demands.count();
  }

  /** How often an ask has found neither free memory nor credit that nobody uses. */
  public synchronized long shortages() {
    return asks.shortages();
  }

  /** Whether memory is being taken back, and be it ahead of the next ask. */
  public synchronized boolean isMakingRoom() {
    return demands.areInForce();
  }

  /**
   * Has data that was demoted come back as far as there is room and nobody waits for it. Credit
   * that others do not use is room the next time, after a reading.
   *
   * @return how many processes were told
   */
  public synchronized int promote() {
    int told = 0;
    for (Tenancy book : books.values()) {
      for (Slot slot : book.slots()) {
        boolean may = claims.isEmpty() && wishes.isEmpty() && !stopped && book.mayGrow();
        told += may && promote(book, slot) ? 1 : 0;
      }
    }
    return told;
  }

  /**
   * To be called regularly: claims data that is in host memory and within its tenant's request,
   * though its process runs.
   */
  public synchronized void reclaim() {
    books.values().forEach(book -> book.slots().forEach(slot -> reclaim(book, slot)));
  }

  /**
   * To be called regularly: who has given nothing back of what was demanded for that many calls is
   * not waited for any more, and others are asked.
   */
  public synchronized void checkDemands(int patience) {
    demands.check(patience);
  }

  /** Those who could not give anything back are asked again from now on. */
  public synchronized void forgiveStuck() {
    demands.forgiveStuck();
  }

  // ---- for the tenants' books, under the lock

  AskResult ask(Tenancy book, Slot asking, long wantedBytes) {
    return stopped ? new AskResult.Stopping() : asks.ask(book, asking, wantedBytes);
  }

  AskResult resume(Tenancy book, Slot slot, boolean whole) {
    return stopped ? new AskResult.Stopping() : returns.resume(book, slot, whole);
  }

  void comeBack(Tenancy book, Slot slot) {
    returns.comeBack(book, slot);
    reclaim(book, slot);
  }

  void staysAway(Tenancy book) {
    swaps.staysAway(book);
  }

  private void reclaim(Tenancy book, Slot slot) {
    if (!stopped && book.mayGrow()) {
      returns.reclaim(book, slot);
    }
  }

  void withdraw(Tenancy book, Slot slot) {
    asks.withdraw(book, slot);
  }

  Optional<Kept> kept(Tenancy book) {
    return demands.kept(book);
  }

  boolean isStopped() {
    return stopped;
  }

  /** What is free for a book: never what somebody waits for. */
  long roomBytes(Tenancy book, boolean guaranteed) {
    return room.freeBytes(book, null, guaranteed);
  }

  /** Overhead or strangers may have taken what was credit: then unused credit goes. */
  void shrinkToFit() {
    long overBytes = room.overBytes();
    if (overBytes > 0) {
      Reclaim.takeUnusedOf(books.values(), overBytes, Set.of());
    }
  }

  // ---- inside

  private boolean promote(Tenancy book, Slot slot) {
    boolean stays = slot.demanded || slot.missingBytes() > 0;
    long demotedBytes = stays ? 0 : slot.demotedBytes();
    if (demotedBytes == 0) {
      return false;
    }
    long leftBytes = book.share().limitBytes() - book.takenBytes();
    // what is on its way has its credit already
    long withoutBytes = demotedBytes - slot.returningBytes() - slot.unusedBytes();
    long missingBytes = Math.min(withoutBytes, leftBytes);
    long grantBytes = Math.min(missingBytes, room.freeBytes(book, slot, false));
    if (grantBytes > 0) {
      slot.grant(grantBytes);
      missingBytes -= grantBytes;
    }
    missingBytes -= room.freeAfterReadingBytes(book, slot, false);
    if (missingBytes > 0) {
      // for the next time: it is nobody's before ground truth has been read
      Reclaim.takeUnusedOf(others(book), missingBytes, Set.of());
    }
    boolean canMove = slot.unusedBytes() > 0 || slot.returningBytes() > 0;
    if (canMove) {
      slot.wake();
    }
    return canMove;
  }

  private List<Tenancy> others(Tenancy book) {
    return books.values().stream().filter(each -> each != book).toList();
  }

  /** The higher first. */
  private int byPriority(Tenancy one, Tenancy other) {
    return swaps.priority(other).compareTo(swaps.priority(one));
  }

  private long fixedBytes(String tenant) {
    Tenancy book = books.get(tenant);
    return book == null ? 0 : book.fixedBytes();
  }
}
