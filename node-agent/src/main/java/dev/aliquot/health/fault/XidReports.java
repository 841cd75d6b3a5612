package dev.aliquot.health.fault;

import dev.aliquot.health.catalogue.Catalogue;
import dev.aliquot.health.catalogue.FaultClass;
import dev.aliquot.health.catalogue.XidEntry;
import dev.aliquot.health.line.KernelLine;
import dev.aliquot.health.line.XidDetail;
import dev.aliquot.health.line.XidLine;
import dev.aliquot.nvml.RecoveryAction;
import java.util.Optional;
import java.util.OptionalInt;

/** Reports of XIDs: what the table says, and what the line itself says, which counts for more. */
public final class XidReports {
  private final Catalogue catalogue;

  public XidReports(Catalogue catalogue) {
    this.catalogue = catalogue;
  }

  /**
   * Of a line of the kernel log.
   *
   * @param device UUID of the device at the line's address
   */
  public Report of(XidLine line, Moment moment, String device, boolean drill) {
    OptionalInt action = XidDetail.recoveryAction(line);
    XidEntry entry = catalogue.entry(line.code());
    return new Report(
        Source.KERNEL_LOG,
        moment,
        device,
        action.isPresent()
            ? new Cause.Recovery(RecoveryAction.of(action.getAsInt()))
            : new Cause.Xid(line.code()),
        faultClass(line),
        entry.text(),
        entry.action(),
        line.pid(),
        line.process(),
        XidDetail.place(line).orElse(""),
        line.message(),
        XidDetail.causedBy(line),
        drill);
  }

  /**
   * Of a number without a line: an event of NVML, or words of the kernel that mean one.
   *
   * @param code {@link Cause.Xid#UNKNOWN} where NVML does not know the number
   */
  public Report of(int code, Source source, Moment moment, String device, boolean drill) {
    XidEntry entry = catalogue.entry(code);
    return new Report(
        source,
        moment,
        device,
        new Cause.Xid(code),
        entry.faultClass(),
        entry.text(),
        entry.action(),
        OptionalInt.empty(),
        "",
        "",
        "",
        OptionalInt.empty(),
        drill);
  }

  /** Of a fault of an NVSwitch: it is told, and takes nothing out. */
  public static Report of(KernelLine.SwitchXid line, Moment moment, boolean drill) {
    return new Report(
        Source.KERNEL_LOG,
        moment,
        line.address().toString(),
        new Cause.Sxid(line.code()),
        FaultClass.WATCH,
        "An NVSwitch has a fault of its own: SXid " + line.code() + ".",
        "See the message and the fabric manager's log; what it means for a GPU, the GPU says itself.",
        OptionalInt.empty(),
        "",
        "",
        line.message(),
        OptionalInt.empty(),
        drill);
  }

  /** What a line asks for. */
  public FaultClass faultClass(XidLine line) {
    XidEntry entry = catalogue.entry(line.code());
    Optional<Boolean> fatal = XidDetail.fatalLink(line);
    if (fatal.isPresent()) {
      return fatal.get() ? FaultClass.RESET : FaultClass.WATCH;
    }
    boolean reset = XidDetail.reset(line).filter(XidDetail.Reset::reset).isPresent();
    return reset && !entry.faultClass().isDevices() ? FaultClass.RESET : entry.faultClass();
  }
}
