package dev.aliquot.ledger;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Set;

/** Ways to take memory back, cheapest first; each takes from whoever has most of it. */
final class Reclaim {
  private record Unused(Slot slot, long bytes) {}

  private record Loan(Tenancy book, long bytes) {}

  private Reclaim() {}

  /**
   * Credit that nobody uses.
   *
   * @return what was taken
   */
  static long takeUnused(
      Collection<Slot> slots, long wantedBytes, boolean ahead, Set<Slot> spared) {
    List<Unused> unused = new ArrayList<>();
    for (Slot slot : slots) {
      long bytes = slot.unusedBytes();
      if (bytes > 0 && !spared.contains(slot)) {
        unused.add(new Unused(slot, bytes));
      }
    }
    unused.sort(Comparator.comparingLong(Unused::bytes).reversed());
    long takenBytes = 0;
    for (Unused from : unused) {
      long missingBytes = wantedBytes - takenBytes;
      if (missingBytes <= 0) {
        break;
      }
      long mostBytes = ahead ? Math.max(missingBytes, from.bytes() / 2) : missingBytes;
      takenBytes += from.slot().takeUnused(Math.min(from.bytes(), mostBytes));
    }
    return takenBytes;
  }

  /**
   * The same from tenants: those that borrow first.
   *
   * @param spared who is about to use it
   * @return what was taken
   */
  static long takeUnusedOf(Collection<Tenancy> books, long wantedBytes, Set<Slot> spared) {
    long takenBytes = 0;
    for (boolean borrowers : new boolean[] {true, false}) {
      for (Tenancy book : books) {
        boolean borrows = book.heldBytes() > book.share().requestBytes();
        if (borrows == borrowers && takenBytes < wantedBytes) {
          takenBytes += book.takeUnusedForOthers(wantedBytes - takenBytes, spared);
        }
      }
    }
    return takenBytes;
  }

  /**
   * Demands lent memory back from those who use it: what exceeds their request and can move.
   *
   * @return what was demanded
   */
  static long demandLoans(Collection<Tenancy> books, long wantedBytes) {
    List<Loan> loans = new ArrayList<>();
    for (Tenancy book : books) {
      long loanBytes = book.heldBytes() - book.outstandingBytes() - book.share().requestBytes();
      if (loanBytes > 0) {
        loans.add(new Loan(book, loanBytes));
      }
    }
    loans.sort(Comparator.comparingLong(Loan::bytes).reversed());
    long demandedBytes = 0;
    for (Loan loan : loans) {
      demandedBytes += demand(loan, wantedBytes - demandedBytes);
    }
    return demandedBytes;
  }

  private static long demand(Loan loan, long wantedBytes) {
    List<Slot> slots = new ArrayList<>(loan.book().slots());
    slots.sort(Comparator.comparingLong(Slot::demandableBytes).reversed());
    long leftBytes = Math.min(loan.bytes(), wantedBytes);
    long demandedBytes = 0;
    for (Slot slot : slots) {
      long bytes = Math.min(leftBytes - demandedBytes, slot.demandableBytes());
      if (bytes > 0) {
        slot.demand(bytes);
        demandedBytes += bytes;
      }
    }
    return demandedBytes;
  }
}
