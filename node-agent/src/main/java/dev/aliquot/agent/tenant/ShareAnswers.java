package dev.aliquot.agent.tenant;

import dev.aliquot.agent.process.ProcessStat;
import dev.aliquot.agent.share.Maker;
import dev.aliquot.agent.share.NoShareException;
import dev.aliquot.agent.share.Piece;
import dev.aliquot.agent.wire.Reply;
import dev.aliquot.agent.wire.Request;
import dev.aliquot.agent.wire.Status;
import dev.aliquot.linux.LinuxException;
import dev.aliquot.linux.PidFd;

/** The answers to one tenant's frames about shares. Nothing here waits. */
final class ShareAnswers {
  private final Tenant tenant;
  private final TenantContext context;

  ShareAnswers(Tenant tenant, TenantContext context) {
    this.tenant = tenant;
    this.context = context;
  }

  Reply share(Member member, Request.Share share) {
    try {
      Piece kept =
          tenant
              .shares()
              .add(
                  makerOf(member),
                  share.id(),
                  share.piece(),
                  share.pieces(),
                  share.bytes(),
                  () -> fetch(member, share.descriptor()));
      if (!tenant.holds(member)) {
        // it may have gone before this piece was kept
        tenant.shares().processGone(makerOf(member));
        return Answers.STALE;
      }
      return reply(kept);
    } catch (NoShareException e) {
      return none(e.sentence());
    }
  }

  Reply over(Member member, long id) {
    return tenant.shares().over(makerOf(member), id)
        ? new Reply.Granted(0)
        : none("this process has no such share");
  }

  Reply open(Request.OpenShare open) {
    try {
      Piece piece = tenant.shares().open(open.id(), open.piece());
      return new Reply.OpenedShare(reply(piece), piece.descriptor());
    } catch (NoShareException e) {
      return none(e.sentence());
    }
  }

  static Maker makerOf(Member member) {
    return new Maker(member.slot, member.generation);
  }

  /**
   * The descriptor that this very process says it has, if it is called what memory and devices are:
   * files of other file systems, and sockets, are not even fetched.
   */
  private int fetch(Member member, int number) throws NoShareException {
    try (PidFd process = PidFd.open(member.id.pid())) {
      boolean same =
          context
              .proc()
              .stat(member.id.pid())
              .map(ProcessStat::id)
              .filter(member.id::equals)
              .isPresent();
      if (!same) {
        throw new NoShareException("this process is gone");
      }
      String file =
          context
              .proc()
              .file(member.id.pid(), number)
              .orElseThrow(
                  () -> new NoShareException("this process has no such descriptor (EBADF)"));
      if (!mayBeMemory(file)) {
        throw new NoShareException(
            "this descriptor is none of memory: neither a device nor memory without a file");
      }
      return process.takeDescriptor(number);
    } catch (LinuxException e) {
      throw new NoShareException(
          "the agent cannot have the descriptor that this process names: " + e.getMessage());
    }
  }

  private static boolean mayBeMemory(String file) {
    return file.startsWith("/memfd:") || file.startsWith("/dev/nvidia");
  }

  private static Reply.Shared reply(Piece piece) {
    return new Reply.Shared(piece.id(), piece.bytes(), piece.piece(), piece.pieces());
  }

  private static Reply none(String sentence) {
    return new Reply.Refused(Status.NO_SHARE, sentence);
  }
}
