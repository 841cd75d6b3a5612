package dev.aliquot.ledger;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;

/**
 * What the processes (slots) of one tenant may hold on one device.
 *
 * <p>Invariant: sum(credit) + overhead never exceeds the limit, except where the overhead alone,
 * which nobody can refuse, has pushed it over; then every credit is down to what its process uses
 * and every ask is refused until it fits again.
 *
 * <p>A lone slot is granted ahead whatever is left, so that it never asks. Credit that a sibling
 * does not use is taken back when another slot needs it: the credit is lowered first and used is
 * read after that; when used turns out higher, the difference is given back. The process does the
 * reverse, so one of the two always sees the other.
 *
 * <p>Credit taken back, or left by a process that ended, is not handed on before the next reading
 * of ground truth: its process may just have moved memory from its report to the driver's side (a
 * new context), and only a reading that began afterwards shows that.
 */
public final class CreditBook {
  private static final int NOBODY = -1;

  private final long limitBytes;
  private final SlotPort port;
  private final TreeMap<Integer, Long> credits = new TreeMap<>();
  private long creditBytes;
  private long overheadBytes;

  /** Taken back since the last reading began: nobody's until a later reading ends. */
  private long unreadBytes;

  /** Taken back before the last reading began: nobody's until that reading ends. */
  private long beingReadBytes;

  private boolean neverRead;
  private boolean closed;

  public CreditBook(long limitBytes, SlotPort port) {
    if (limitBytes < 0) {
      throw new IllegalArgumentException("limit " + limitBytes + " is negative");
    }
    this.limitBytes = limitBytes;
    this.port = port;
  }

  /** A new process. Alone it gets all that is left, else nothing until it asks. */
  public void attach(int slot) {
    if (credits.putIfAbsent(slot, 0L) != null) {
      throw new IllegalArgumentException("slot " + slot + " is taken");
    }
    port.writeCredit(slot, 0);
    grantAheadToLoneSlot();
  }

  /**
   * A process that an earlier agent had given this much credit; it may hold it already, so it
   * stands. Nothing more is granted before the first reading of ground truth.
   */
  public void restore(int slot, long slotCreditBytes) {
    // More than the limit was never given: the page is damaged.
    long givenBytes = Math.min(slotCreditBytes, limitBytes);
    if (slotCreditBytes < 0 || credits.putIfAbsent(slot, givenBytes) != null) {
      throw new IllegalArgumentException(
          "slot " + slot + " cannot be restored with " + slotCreditBytes + " bytes");
    }
    if (givenBytes != slotCreditBytes) {
      port.writeCredit(slot, givenBytes);
    }
    creditBytes = saturatingAdd(creditBytes, givenBytes);
    neverRead = true;
    shrinkToFit();
  }

  /** The process is gone; what was its credit is free after the next reading. */
  public void detach(int slot) {
    Long gone = credits.remove(slot);
    if (gone != null) {
      creditBytes -= gone;
      unreadBytes += gone;
      port.writeCredit(slot, 0);
    }
  }

  /**
   * A process wants its used to reach wantedBytes.
   *
   * @param wantedBytes unsigned: a value above {@link Long#MAX_VALUE} is refused like any that is
   *     too large
   */
  public AskResult ask(int slot, long wantedBytes) {
    Long credit = credits.get(slot);
    if (credit == null) {
      throw new IllegalArgumentException("slot " + slot + " is free");
    }
    if (wantedBytes >= 0 && wantedBytes <= credit) {
      return new AskResult.Granted(credit);
    }
    if (closed) {
      return new AskResult.Closed();
    }
    if (wantedBytes < 0 || wantedBytes > limitBytes) {
      return overLimit(wantedBytes, credit);
    }
    long needBytes = wantedBytes - credit;
    if (leftBytes() >= needBytes) {
      long restBytes = leftBytes() - needBytes;
      grant(slot, needBytes + (credits.size() == 1 ? restBytes : restBytes / 2));
      return new AskResult.Granted(creditBytes(slot));
    }
    long missingBytes = needBytes - afterReadingBytes();
    if (missingBytes > 0) {
      unreadBytes += takeBack(slot, missingBytes, true);
    }
    return afterReadingBytes() >= needBytes
        ? new AskResult.AfterReading()
        : overLimit(wantedBytes, credit);
  }

  /** A reading of ground truth begins: what is taken back from now on waits for the next one. */
  public void beginReading() {
    beingReadBytes += unreadBytes;
    unreadBytes = 0;
  }

  /**
   * The reading that began last has ended.
   *
   * @param bytes what the driver holds for the tenant beyond what its processes report
   */
  public void endReading(long bytes) {
    beingReadBytes = 0;
    neverRead = false;
    overhead(bytes);
    grantAheadToLoneSlot();
  }

  /** The overhead as far as it is known now, between readings. */
  public void overhead(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("overhead " + bytes + " is negative");
    }
    overheadBytes = bytes;
    shrinkToFit();
  }

  /** Nothing new may be held from now on: every credit goes down to what is used. */
  public void close() {
    closed = true;
    unreadBytes += takeBack(NOBODY, Long.MAX_VALUE, false);
  }

  public long limitBytes() {
    return limitBytes;
  }

  public long overheadBytes() {
    return overheadBytes;
  }

  /** The sum over the slots. */
  public long creditBytes() {
    return creditBytes;
  }

  /** The slot's credit, 0 for a free one. */
  public long creditBytes(int slot) {
    return credits.getOrDefault(slot, 0L);
  }

  /** What could be granted now; below 0 where the overhead has pushed the tenant over its limit. */
  private long leftBytes() {
    long leftBytes = limitBytes - heldBytes() - unreadBytes - beingReadBytes;
    return neverRead ? Math.min(0, leftBytes) : leftBytes;
  }

  /** What could be granted after a reading, if it shows the same overhead. */
  private long afterReadingBytes() {
    return limitBytes - heldBytes();
  }

  private long heldBytes() {
    return saturatingAdd(overheadBytes, creditBytes);
  }

  private void grantAheadToLoneSlot() {
    if (credits.size() == 1 && !closed && leftBytes() > 0) {
      grant(credits.firstKey(), leftBytes());
    }
  }

  private void shrinkToFit() {
    if (heldBytes() > limitBytes) {
      takeBack(NOBODY, heldBytes() - limitBytes, false);
    }
  }

  private void grant(int slot, long bytes) {
    set(slot, creditBytes(slot) + bytes);
  }

  private void set(int slot, long slotCreditBytes) {
    Long before = credits.put(slot, slotCreditBytes);
    creditBytes += slotCreditBytes - (before == null ? 0 : before);
    port.writeCredit(slot, slotCreditBytes);
  }

  private record Unused(int slot, long bytes) {}

  /**
   * Takes back at least wantedBytes of unused credit if there are so many, from those who leave
   * most unused.
   *
   * @param except the slot that asks
   * @param ahead take half of what each leaves unused where that is more: spares the asker the next
   *     question
   * @return what was taken
   */
  private long takeBack(int except, long wantedBytes, boolean ahead) {
    List<Unused> unused = new ArrayList<>();
    credits.forEach(
        (slot, credit) -> {
          long bytes = credit - claim(slot, credit);
          if (slot != except && bytes > 0) {
            unused.add(new Unused(slot, bytes));
          }
        });
    unused.sort(Comparator.comparingLong(Unused::bytes).reversed());
    long takenBytes = 0;
    for (Unused from : unused) {
      long missingBytes = wantedBytes - takenBytes;
      if (missingBytes <= 0) {
        break;
      }
      long mostBytes = ahead ? Math.max(missingBytes, from.bytes() / 2) : missingBytes;
      takenBytes += lower(from.slot(), Math.min(from.bytes(), mostBytes));
    }
    return takenBytes;
  }

  private long lower(int slot, long takeBytes) {
    long before = creditBytes(slot);
    long after = before - takeBytes;
    set(slot, after);
    long claimed = claim(slot, before);
    if (claimed > after) {
      set(slot, claimed);
    }
    return before - creditBytes(slot);
  }

  /**
   * What the process claims, as far as it is covered: a claim beyond its credit is an ask that has
   * not been answered.
   */
  private long claim(int slot, long slotCreditBytes) {
    long used = port.usedBytes(slot);
    return used < 0 ? slotCreditBytes : Math.min(used, slotCreditBytes);
  }

  private AskResult overLimit(long wantedBytes, long credit) {
    long others = creditBytes - credit;
    String wanted = wantedBytes < 0 ? "more than can exist" : ByteText.of(wantedBytes);
    return new AskResult.OverLimit(
        wanted
            + " would pass the limit of "
            + ByteText.of(limitBytes)
            + ": "
            + ByteText.of(overheadBytes)
            + " are the driver's, "
            + ByteText.of(others)
            + " other processes'");
  }

  private static long saturatingAdd(long a, long b) {
    long sum = a + b;
    return sum < 0 ? Long.MAX_VALUE : sum;
  }
}
