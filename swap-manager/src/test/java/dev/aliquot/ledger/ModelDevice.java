package dev.aliquot.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * A device with tenants whose processes are stepped at random between and, through the ports, in
 * the middle of every operation of the book. Checks the invariants after each.
 */
final class ModelDevice {
  static final long CAPACITY = 4000;
  private static final int SLOTS = 3;
  private static final int ENOUGH_ROUNDS = 400;

  private static final long DEMAND_AHEAD = 150;
  final DeviceBook book = new DeviceBook("GPU-1", CAPACITY, DEMAND_AHEAD);
  final List<Tenant> tenants = new ArrayList<>();
  Random random = new Random(0);
  long foreign;
  @Nullable ModelProcess asking;
  long guaranteedAsks;
  long demands;
  long operations;

  final class Tenant implements SlotPort {
    final String name;
    Share share;
    long overhead;
    final ModelProcess[] processes = new ModelProcess[SLOTS];
    final TenantBook account;

    Tenant(String name, Share share, long overhead) {
      this.name = name;
      this.share = share;
      this.overhead = overhead;
      for (int i = 0; i < SLOTS; i++) {
        processes[i] = new ModelProcess();
      }
      assertThat(book.admit(name, share)).isEqualTo(new Admission.Admitted());
      account = book.open(name, this);
      account.overhead(overhead);
    }

    @Override
    public long usedBytes(int slot) {
      interleave();
      return processes[slot].used;
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
    public void writeCredit(int slot, long creditBytes) {
      interleave();
      require(creditBytes >= 0, "credit >= 0", this);
      processes[slot].credit = creditBytes;
      interleave();
    }

    @Override
    public void writeResident(int slot, long residentBytes) {
      processes[slot].resident = residentBytes;
      demands += residentBytes == RESIDENT_ALL ? 0 : 1;
    }

    @Override
    public String toString() {
      StringBuilder text = new StringBuilder(name + " " + share + " overhead " + overhead);
      for (ModelProcess process : processes) {
        text.append(
            " [credit %d used %d held %d demoted %d]"
                .formatted(process.credit, process.used, process.heldBytes(), process.demoted));
      }
      return text.append('\n').toString();
    }

    /** What cannot move has to fit the request, as the tenant's library sees to. */
    long fixedRoom() {
      long fixed = overhead;
      for (ModelProcess process : processes) {
        fixed += process.fixed + (process.chargingMovable ? 0 : process.charging);
      }
      return share.requestBytes() - fixed;
    }

    long held() {
      long held = overhead;
      for (ModelProcess process : processes) {
        held += process.heldBytes();
      }
      return held;
    }
  }

  void add(Share share, long overhead) {
    tenants.add(new Tenant("t" + tenants.size(), share, overhead));
  }

  void interleave() {
    for (int i = random.nextInt(4); i > 0; i--) {
      Tenant tenant = tenants.get(random.nextInt(tenants.size()));
      tenant.processes[random.nextInt(SLOTS)].step(random, tenant.fixedRoom());
    }
  }

  void read() {
    tenants.forEach(tenant -> tenant.account.beginReading());
    interleave();
    tenants.forEach(tenant -> tenant.account.endReading(tenant.overhead));
    book.foreign(foreign);
  }

  /** The first that waits for an answer, from this process on. */
  void askWhoMust(Tenant from, int slot) {
    int start = tenants.indexOf(from) * SLOTS + slot;
    for (int i = 0; i < tenants.size() * SLOTS; i++) {
      int at = (start + i) % (tenants.size() * SLOTS);
      Tenant tenant = tenants.get(at / SLOTS);
      if (tenant.processes[at % SLOTS].mustAsk) {
        askToTheEnd(tenant, at % SLOTS);
        return;
      }
    }
  }

  /** An ask to its end, as the agent answers it: what is guaranteed must be had. */
  private void askToTheEnd(Tenant tenant, int slot) {
    ModelProcess process = tenant.processes[slot];
    asking = process;
    long wanted = process.used;
    boolean guaranteed = isGuaranteed(tenant, slot);
    AskResult result = tenant.account.ask(slot, wanted);
    int rounds = 0;
    while (!(result instanceof AskResult.Granted) && rounds++ < ENOUGH_ROUNDS) {
      if (result instanceof AskResult.AfterReading) {
        read();
      } else if (result instanceof AskResult.MakingRoom || guaranteed) {
        book.forgiveStuck();
        tenants.forEach(this::others);
      } else {
        break;
      }
      // siblings may have been given what was left of the request
      guaranteed &= isGuaranteed(tenant, slot);
      result = tenant.account.ask(slot, wanted);
      check();
    }
    if (result instanceof AskResult.Granted) {
      require(process.credit >= wanted, "granted is published", tenant);
      process.taken();
      process.mustAsk = false;
    } else {
      tenant.account.withdraw(slot);
      require(
          !guaranteed || foreign != 0, "an ask within the request is granted: " + result, tenant);
      process.giveUp();
    }
    guaranteedAsks += guaranteed ? 1 : 0;
    // whoever still waits asks anew, as the agent does for it all the time
    for (Tenant each : tenants) {
      for (int other = 0; other < SLOTS; other++) {
        each.account.withdraw(other);
      }
    }
  }

  /** Whether all that the tenant uses, with this ask, is within its request. */
  private boolean isGuaranteed(Tenant tenant, int slot) {
    long sum = tenant.overhead + tenant.processes[slot].used;
    for (int i = 0; i < SLOTS; i++) {
      // siblings go on meanwhile, and may use what they have credit for
      sum += i == slot ? 0 : Math.max(tenant.processes[i].credit, tenant.processes[i].used);
    }
    return sum <= tenant.share.requestBytes();
  }

  /** What the others do meanwhile: they move what they are told to, and ask for their own. */
  private void others(Tenant tenant) {
    for (int slot = 0; slot < SLOTS; slot++) {
      ModelProcess process = tenant.processes[slot];
      process.move();
      if (process.attached) {
        tenant.account.moved(slot, false);
      }
      if (process.mustAsk && process != asking) {
        AskResult result = tenant.account.ask(slot, process.used);
        if (result instanceof AskResult.Granted) {
          process.taken();
          process.mustAsk = false;
        } else if (result instanceof AskResult.Refused refused
            && refused.cause() != AskResult.Cause.STUCK) {
          tenant.account.withdraw(slot);
          process.giveUp();
        }
      }
    }
  }

  /** Plain comparisons: this runs after each of millions of operations. */
  void check() {
    operations++;
    long requests = 0;
    long held = foreign;
    for (Tenant tenant : tenants) {
      long tenantHeld = tenant.held();
      long tenantCredit = tenant.overhead;
      for (int slot = 0; slot < SLOTS; slot++) {
        ModelProcess process = tenant.processes[slot];
        require(process.credit == tenant.account.creditBytes(slot), "published is booked", tenant);
        require(
            process.heldBytes() <= tenant.account.coveredBytes(slot), "held is covered", tenant);
        tenantCredit += process.credit;
      }
      require(tenantHeld <= tenant.share.limitBytes(), "held <= limit", tenant);
      require(tenantCredit <= tenant.share.limitBytes(), "credit <= limit", tenant);
      requests += tenant.share.requestBytes();
      held += tenantHeld;
    }
    require(requests <= CAPACITY, "sum(request) <= capacity", this);
    require(held <= CAPACITY, "sum(held) <= capacity", this);
  }

  private static void require(boolean invariant, String what, Object where) {
    if (!invariant) {
      throw new AssertionError("broken: " + what + " at " + where);
    }
  }

  @Override
  public String toString() {
    return tenants.toString();
  }
}
