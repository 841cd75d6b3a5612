package dev.aliquot.agent.share;

import dev.aliquot.linux.Descriptors;
import dev.aliquot.linux.LinuxException;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/**
 * One tenant's shares. Thread-safe by its own lock, under which nothing is fetched or closed: a
 * {@link Closer} does that. While it hangs, nothing more is kept for the tenant. A share lives
 * until its maker says that it is over or is gone, or until the tenant ends.
 */
public final class Shares {
  /** The most pieces of a share, as protocol.h has it. */
  public static final int MOST_PIECES = 4096;

  /** The most descriptors that are kept for a tenant. */
  public static final int MOST_KEPT = 8192;

  private final RandomGenerator random = new SecureRandom();
  private final Map<Long, Share> shares = new HashMap<>();
  private final Closer closer;
  private final Budget budget;
  private final int mostKept;
  private int kept;

  /** Descriptors that are kept, on their way here, or not closed yet. */
  private int taken;

  private boolean ended;

  /** Where a piece's descriptor comes from. */
  @FunctionalInterface
  public interface Source {
    /**
     * A descriptor, the receiver's to close.
     *
     * @throws NoShareException if there is none
     */
    int fetch() throws NoShareException;
  }

  /**
   * @param budget of the shares of all tenants
   */
  public Shares(Budget budget) {
    this(budget, MOST_KEPT, Descriptors::close, System::nanoTime);
  }

  Shares(Budget budget, int mostKept, IntConsumer close, LongSupplier monotonic) {
    this.budget = budget;
    this.mostKept = mostKept;
    this.closer = new Closer(close, this::freed, monotonic);
  }

  /**
   * Keeps a piece. All numbers are as the process said them: unsigned, unchecked.
   *
   * @param id 0 for a new share
   * @param source asked for the descriptor once everything else is right
   * @throws NoShareException if it is not kept
   */
  public Piece add(Maker maker, long id, int piece, int pieces, long bytes, Source source)
      throws NoShareException {
    begin(maker, id, piece, pieces, bytes);
    int descriptor;
    try {
      descriptor = source.fetch();
    } catch (NoShareException | RuntimeException e) {
      freed();
      throw e;
    }
    boolean added = false;
    try {
      check(
          Descriptors.isMemoryOrDevice(descriptor),
          "this descriptor is none of memory: neither a device nor memory without a file");
      Piece whole = keep(maker, id, piece, pieces, new Share.Kept(bytes, descriptor));
      added = true;
      return whole;
    } finally {
      if (!added) {
        closer.add(descriptor);
      }
    }
  }

  private synchronized void begin(Maker maker, long id, int piece, int pieces, long bytes)
      throws NoShareException {
    check(!closer.hangs(), "a descriptor that this tenant shared does not let itself be closed");
    shareFor(maker, id, piece, pieces);
    check(taken < mostKept, "this tenant shares as many pieces of memory as one can: " + mostKept);
    check(bytes > 0, "a piece has at least one byte");
    check(
        budget.take(),
        "the tenants of this node share as many pieces of memory as the agent can keep: "
            + budget.most());
    taken++;
  }

  private synchronized Piece keep(Maker maker, long id, int piece, int pieces, Share.Kept found)
      throws NoShareException {
    Share share = shareFor(maker, id, piece, pieces);
    share.add(found);
    shares.put(share.id, share);
    kept++;
    return new Piece(share.id, found.bytes(), piece, pieces, -1);
  }

  private synchronized void freed() {
    taken--;
    budget.free();
  }

  private Share shareFor(Maker maker, long id, int piece, int pieces) throws NoShareException {
    check(!ended, "this tenant has ended");
    if (id == 0) {
      check(piece == 0, "a share begins with its first piece");
      check(
          pieces > 0 && pieces <= MOST_PIECES,
          "a share has from 1 to "
              + MOST_PIECES
              + " pieces, not "
              + Integer.toUnsignedString(pieces));
      return new Share(newId(), maker, pieces);
    }
    Share share = shares.get(id);
    if (share == null || !share.maker.equals(maker)) {
      throw new NoShareException("this process has no such share");
    }
    check(pieces == share.pieces, "this share has " + share.pieces + " pieces");
    check(
        !share.isWhole() && piece == share.count(),
        share.isWhole()
            ? "this share has all its pieces"
            : "the next piece of this share is " + share.count());
    return share;
  }

  private long newId() {
    long id = random.nextLong();
    while (id == 0 || shares.containsKey(id)) {
      id = random.nextLong();
    }
    return id;
  }

  /**
   * A copy of a piece's descriptor.
   *
   * @throws NoShareException if there is no such piece, or the agent has no descriptor left
   */
  public synchronized Piece open(long id, int piece) throws NoShareException {
    Share share = shares.get(id);
    if (share == null || !share.isWhole()) {
      throw new NoShareException("this tenant has no such share");
    }
    check(
        piece >= 0 && piece < share.pieces,
        "this share has "
            + share.pieces
            + " pieces, not a piece "
            + Integer.toUnsignedString(piece));
    Share.Kept found = share.get(piece);
    try {
      int copy = Descriptors.duplicate(found.descriptor());
      return new Piece(id, found.bytes(), piece, share.pieces, copy);
    } catch (LinuxException e) {
      throw new NoShareException("the agent cannot hand this share out: " + e.getMessage());
    }
  }

  /**
   * A share is over.
   *
   * @return whether it was that process's
   */
  public synchronized boolean over(Maker maker, long id) {
    Share share = shares.get(id);
    if (share == null || !share.maker.equals(maker)) {
      return false;
    }
    shares.remove(id);
    close(share);
    return true;
  }

  /** The process is gone. Does nothing the second time. */
  public synchronized void processGone(Maker maker) {
    for (Iterator<Share> all = shares.values().iterator(); all.hasNext(); ) {
      Share share = all.next();
      if (share.maker.equals(maker)) {
        all.remove();
        close(share);
      }
    }
  }

  /** Nothing is kept any more. Does nothing the second time. */
  public synchronized void end() {
    ended = true;
    shares.values().forEach(this::close);
    shares.clear();
  }

  /** Descriptors that are kept. */
  public synchronized int kept() {
    return kept;
  }

  private void close(Share share) {
    share.all().forEach(piece -> closer.add(piece.descriptor()));
    kept -= share.count();
  }

  private static void check(boolean good, String sentence) throws NoShareException {
    if (!good) {
      throw new NoShareException(sentence);
    }
  }
}
