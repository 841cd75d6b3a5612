package dev.aliquot.health.line;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class XidDetailTest {
  private static XidLine xid(String rest) {
    return (XidLine)
        new KernelLineReader().read("NVRM: Xid (PCI:0000:01:00): " + rest).orElseThrow();
  }

  @ParameterizedTest
  @CsvSource({
    "0x0 (None), 0x4 (Drain and Reset), 4",
    "0x4 (Drain and Reset), 0x1 (GPU Reset Required), 1",
    "0x1 (GPU Reset Required), 0x0 (None), 0",
    "0x0 (None), 0x2 (Node Reboot Required), 2",
    "0x0 (None), 0x17 (Something New), 23"
  })
  void aRecoveryActionIsTheOneThatItChangedTo(String from, String to, int action) {
    assertThat(
            XidDetail.recoveryAction(
                xid("154, GPU recovery action changed from " + from + " to " + to)))
        .isEqualTo(OptionalInt.of(action));
  }

  @Test
  void onlyXid154TellsARecoveryAction() {
    String text = "GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)";
    assertThat(XidDetail.recoveryAction(xid("13, " + text))).isEmpty();
    assertThat(XidDetail.recoveryAction(xid("154, pid=5, name=x, " + text + " "))).isPresent();
    assertThat(XidDetail.recoveryAction(xid("154, not " + text))).isEmpty();
  }

  @Test
  void aMemoryErrorSaysWhatItNeeds() {
    assertThat(XidDetail.reset(xid("94, Contained: SM (0x1). RST: No, D-RST: No")))
        .contains(new XidDetail.Reset(false, false));
    assertThat(XidDetail.reset(xid("95, Uncontained: LTC TAG (0x2,0x0). RST: Yes, D-RST: No")))
        .contains(new XidDetail.Reset(true, false));
    assertThat(XidDetail.reset(xid("94, Contained: FBHUB. RST: No, D-RST: Yes")))
        .contains(new XidDetail.Reset(false, true));
    assertThat(XidDetail.reset(xid("94, Contained: SM (0x1)."))).isEmpty();
  }

  @Test
  void aProcessCannotSayByItsNameThatItsErrorNeedsAReset() {
    assertThat(
            XidDetail.reset(
                xid("94, pid=5, name=a, RST: Yes, D-RST: Yes, Contained: SM. RST: No, D-RST: No")))
        .contains(new XidDetail.Reset(false, false));
    assertThat(
            XidDetail.fatalLink(
                xid("145, pid=5, name=a, Fatal XC0, RLW Nonfatal XC0 i0 Link 13 (0x0409a0c2)")))
        .contains(false);
  }

  @Test
  void anNvlinkErrorSaysWhetherItIsFatal() {
    assertThat(
            XidDetail.fatalLink(
                xid("149, NETIR_LINK_EVT  Fatal   XC0 i0 Link 01 (0x021425c6 0x0)")))
        .contains(true);
    assertThat(XidDetail.fatalLink(xid("145, RLW_RXPIPE Nonfatal XC1 i0 Link -1 (0x0409a0c2)")))
        .contains(false);
    assertThat(XidDetail.fatalLink(xid("145, RLW_RXPIPE"))).isEmpty();
    assertThat(XidDetail.fatalLink(xid("13, Fatal XC0 i0 Link 1 (0x0)"))).isEmpty();
  }

  @Test
  void a45NamesWhatItCleansUpAfter() {
    assertThat(XidDetail.causedBy(xid("45, pid=77, name=a, Ch 8 caused by previous Xid 31")))
        .isEqualTo(OptionalInt.of(31));
    assertThat(XidDetail.causedBy(xid("45, pid=77, name=a, Ch 8"))).isEmpty();
  }

  @Test
  void a13SaysWhereItHappened() {
    assertThat(
            XidDetail.place(
                xid("13, Graphics SM Warp Exception on (GPC 1, TPC 4, SM 0): Misaligned")))
        .contains("GPC 1, TPC 4");
    assertThat(XidDetail.place(xid("13, Graphics SM Warp Exception on (GPC 1, TPC 0): Out Of")))
        .contains("GPC 1, TPC 0");
    assertThat(XidDetail.place(xid("13, pid=5, name=(GPC 1, TPC 0), Graphics Exception")))
        .isEmpty();
  }
}
