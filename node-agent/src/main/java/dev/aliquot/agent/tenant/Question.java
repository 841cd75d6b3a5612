package dev.aliquot.agent.tenant;

import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.wire.Reply;
import dev.aliquot.agent.wire.Status;
import dev.aliquot.ledger.AskResult;
import java.util.Optional;

/** Something that a process wants of a device's book, which may have to be asked more than once. */
interface Question {

  /** Which device it is about. */
  Device device();

  /** Asks the book; empty: the process has lost its slot. */
  Optional<AskResult> ask();

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
    private final long wantedBytes;

    /** What the process had moved out of the device when it asked. */
    private final long demotedBytes;

    Ask(Tenant tenant, Member member, Holding holding, long wantedBytes) {
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
    public void end() {
      tenant.withdraw(member, holding);
    }
  }

  /** A process that is away from a device wants to run: it does in the end, with what there is. */
  record Resume(Tenant tenant, Member member, Holding holding) implements Question {
    @Override
    public Device device() {
      return holding.device;
    }

    @Override
    public Optional<AskResult> ask() {
      return tenant.resume(member, holding);
    }

    @Override
    public void end() {
      tenant.comeBack(member, holding);
    }

    /** One whose slot has been given away, or whose agent stops, has to know. */
    @Override
    public Reply refused(Reply.Refused refused) {
      return refused.status() == Status.LIMIT ? new Reply.Granted(0) : refused;
    }
  }
}
