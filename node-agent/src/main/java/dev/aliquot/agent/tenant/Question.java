package dev.aliquot.agent.tenant;

import dev.aliquot.agent.count.TakeBacks;
import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.wire.Reply;
import dev.aliquot.agent.wire.Status;
import dev.aliquot.ledger.AskResult;
import java.time.Duration;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/** Something that a process wants of a device's book, which may have to be asked more than once. */
interface Question {

  /** Which device it is about. */
  Device device();

  /** Asks the book; empty: the process has lost its slot. */
  Optional<AskResult> ask();

  /** What others had to do for it, the dearest of it, and how long that took. */
  void waited(TakeBacks.Cause cause, Duration time);

  /** Nobody waits for the answer any more, whatever it was. */
  void end();

  /** What the process is told when it cannot be had, or not in time. */
  default Reply refused(Reply.Refused refused) {
    return refused;
  }

  /** A process wants its used to reach wantedBytes. */
  final class Ask implements Question {
    private final Tenant tenant;
    private final Member member;
    private final Holding holding;
    private final TakeBacks takeBacks;
    private final long wantedBytes;

    /** What the process had moved out of the device when it asked. */
    private final long demotedBytes;

    Ask(Tenant tenant, Member member, Holding holding, TakeBacks takeBacks, long wantedBytes) {
      this.takeBacks = takeBacks;
      this.tenant = tenant;
      this.member = member;
      this.holding = holding;
      this.wantedBytes = wantedBytes;
      this.demotedBytes = tenant.demotedBytes(member, holding);
    }

    @Override
    public Device device() {
      return holding.device;
    }

    /**
     * The process may have been told to move more out since it asked, or have brought some back: it
     * needs so much less, or more.
     */
    @Override
    public Optional<AskResult> ask() {
      long movedBytes = tenant.demotedBytes(member, holding) - demotedBytes;
      return tenant.ask(
          member, holding, wantedBytes < 0 ? wantedBytes : Math.max(0, wantedBytes - movedBytes));
    }

    @Override
    public void waited(TakeBacks.Cause cause, Duration time) {
      takeBacks.add(cause, time);
    }

    @Override
    public void end() {
      tenant.withdraw(member, holding);
    }
  }

  /**
   * A process that is away from a device wants to run: it does in the end, with what there is, if
   * there is room for its contexts.
   *
   * @param whole whether it still waits for all of its data, and not only for its own part
   */
  record Resume(Presence presence, Member member, Holding holding, BooleanSupplier whole)
      implements Question {
    @Override
    public Device device() {
      return holding.device;
    }

    @Override
    public Optional<AskResult> ask() {
      return presence.resume(member, holding, whole.getAsBoolean());
    }

    /** Counted from the first device to the last, by who asks for them. */
    @Override
    public void waited(TakeBacks.Cause cause, Duration time) {}

    @Override
    public void end() {
      presence.comeBack(member, holding);
    }

    /**
     * One whose slot has been given away, whose agent stops, or whose contexts found no room, has
     * to know.
     */
    @Override
    public Reply refused(Reply.Refused refused) {
      return refused.status() == Status.LIMIT && !presence.lacksRoom(member, holding)
          ? new Reply.Granted(0)
          : refused;
    }
  }
}
