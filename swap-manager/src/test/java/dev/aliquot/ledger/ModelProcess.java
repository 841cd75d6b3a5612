package dev.aliquot.ledger;

import java.util.Random;

/**
 * A process that runs the tenant side of protocol.h: charges first and compares with its credit
 * after that; its mover comes down to what it is told to keep resident, and back within credit.
 */
final class ModelProcess {
  static final long PIECE = 8;

  boolean attached;
  long credit;
  long covered;
  long resident = SlotPort.RESIDENT_ALL;
  int wake;
  long used;
  long fixed;
  long movable;
  long demoted;
  long charging;
  boolean chargingMovable;
  boolean mustAsk;
  boolean away;
  boolean parked;
  private boolean cameBackByItself;

  /** Its contexts are off the device: it does nothing there. */
  boolean bare;

  /** What they take. */
  long context;

  /** They are back, and no reading has shown them yet. */
  boolean restored;

  /** One instruction's worth: announce, compare, free, or move a piece. */
  void step(Random random, long fixedRoomBytes) {
    if (!attached || mustAsk) {
      return;
    }
    if (charging > 0) {
      compare();
    } else if (bare) {
      return;
    } else if (away) {
      move();
    } else if (random.nextInt(4) == 0) {
      move();
    } else if (random.nextInt(8) != 0) {
      announce(random, fixedRoomBytes);
    } else {
      free(random);
    }
  }

  private void announce(Random random, long fixedRoomBytes) {
    long bytes = 1L + random.nextInt(random.nextInt(6) == 0 ? 900 : 60);
    chargingMovable = random.nextInt(5) != 0;
    if (chargingMovable || bytes <= fixedRoomBytes) {
      charging = bytes;
      used += bytes;
    }
  }

  private void compare() {
    if (used <= credit) {
      taken();
    } else {
      mustAsk = true;
    }
  }

  /** The driver has given what was charged. */
  void taken() {
    if (chargingMovable) {
      movable += charging;
    } else {
      fixed += charging;
    }
    charging = 0;
  }

  /** The charge is withdrawn. */
  void giveUp() {
    used -= charging;
    charging = 0;
    mustAsk = false;
  }

  private void free(Random random) {
    if (movable > 0 && random.nextBoolean()) {
      long bytes = 1 + random.nextLong(movable);
      movable -= bytes;
      used -= bytes;
    } else if (fixed > 0) {
      long bytes = 1 + random.nextLong(fixed);
      fixed -= bytes;
      used -= bytes;
    } else if (demoted > 0) {
      demoted -= 1 + random.nextLong(demoted);
    }
  }

  /** The mover: one piece down or up. */
  void move() {
    if (!attached || bare) {
      return;
    }
    long bytes;
    if (resident != SlotPort.RESIDENT_ALL && used > resident) {
      bytes = Math.min(PIECE, movable);
      movable -= bytes;
      used -= bytes;
      demoted += bytes;
      parked = away && !cameBackByItself && movable == 0;
    } else if (away) {
      parked = !cameBackByItself;
    } else if (resident == SlotPort.RESIDENT_ALL && demoted > 0) {
      bytes = Math.min(PIECE, demoted);
      used += bytes;
      if (used <= credit) {
        movable += bytes;
        demoted -= bytes;
      } else {
        used -= bytes;
      }
    }
  }

  void away(boolean nowAway) {
    cameBackByItself = false;
    away = nowAway;
    parked = nowAway && bare;
  }

  /** No agent answered when the process wanted to run. */
  void comeBackByItself() {
    if (!bare) {
      cameBackByItself = parked;
      parked = false;
    }
  }

  /** On the device. */
  long heldBytes() {
    return bare ? 0 : ownBytes();
  }

  /** There, or off it by the driver. */
  long ownBytes() {
    return fixed + movable;
  }

  void end() {
    attached = false;
    mustAsk = false;
    away(false);
    bare = false;
    restored = false;
    context = 0;
    resident = SlotPort.RESIDENT_ALL;
    used = fixed = movable = demoted = charging = 0;
  }
}
