package dev.aliquot.plugin.kubelet;

import com.google.common.base.CaseFormat;
import io.grpc.Status;

/** An error in the kubelet's words. */
final class StandInException extends Exception {
  private static final long serialVersionUID = 1L;

  StandInException(String message) {
    super(message);
  }

  /** As Go prints a status. */
  static String go(Status status) {
    return "rpc error: code = "
        + CaseFormat.UPPER_UNDERSCORE.to(CaseFormat.UPPER_CAMEL, status.getCode().name())
        + " desc = "
        + (status.getCode() == Status.Code.DEADLINE_EXCEEDED
            ? "context deadline exceeded"
            : status.getDescription());
  }
}
