package dev.aliquot.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.quicktheories.QuickTheory.qt;
import static org.quicktheories.generators.SourceDSL.integers;
import static org.quicktheories.generators.SourceDSL.lists;

import org.junit.jupiter.api.Test;

class DeviceLedgerTest {
  private static final long GIB = 1L << 30;

  @Test
  void admitsUntilTheCapacityIsAllocated() {
    DeviceLedger ledger = new DeviceLedger("GPU-1", 16 * GIB);
    assertThat(ledger.admit("a", 4 * GIB)).isInstanceOf(Admission.Admitted.class);
    assertThat(ledger.admit("b", 12 * GIB)).isInstanceOf(Admission.Admitted.class);
    assertThat(ledger.admit("c", 1)).isInstanceOf(Admission.Refused.class);
    ledger.release("a");
    assertThat(ledger.freeBytes()).isEqualTo(4 * GIB);
    assertThat(ledger.admit("c", 4 * GIB)).isInstanceOf(Admission.Admitted.class);
  }

  @Test
  void refusalSaysWhatIsFree() {
    DeviceLedger ledger = new DeviceLedger("GPU-1", 16 * GIB);
    ledger.admit("a", 10 * GIB);
    assertThat(ledger.admit("b", 8 * GIB))
        .isEqualTo(
            new Admission.Refused(
                "device GPU-1 has 6 GiB free and 8 GiB were asked for: of the 16 GiB that tenants can have, 10 GiB are allocated"
                    + " to 1 tenant; ask for 6442450944 bytes or less, end a tenant, or choose another device"));
  }

  @Test
  void keepsCarriedOverRequestsThatNoLongerFitAndAdmitsNothingNew() {
    DeviceLedger ledger = new DeviceLedger("GPU-1", 8 * GIB);
    ledger.restore("a", 10 * GIB);
    assertThat(ledger.freeBytes()).isZero();
    assertThat(ledger.admit("b", 1)).isInstanceOf(Admission.Refused.class);
    ledger.release("a");
    assertThat(ledger.freeBytes()).isEqualTo(8 * GIB);
  }

  @Test
  void refusesRequestsThatAreNoSize() {
    DeviceLedger ledger = new DeviceLedger("GPU-1", GIB);
    assertThat(ledger.admit("a", 0)).isInstanceOf(Admission.Refused.class);
    assertThat(ledger.admit("a", -1)).isInstanceOf(Admission.Refused.class);
    assertThat(ledger.admit("a", Long.MAX_VALUE)).isInstanceOf(Admission.Refused.class);
    assertThatThrownBy(() -> new DeviceLedger("x", -1))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void allocationsNeverPassTheCapacity() {
    qt().forAll(lists().of(integers().between(-50, 100)).ofSizeBetween(0, 60))
        .checkAssert(
            steps -> {
              DeviceLedger ledger = new DeviceLedger("GPU-1", 300);
              long expected = 0;
              for (int i = 0; i < steps.size(); i++) {
                int step = steps.get(i);
                if (step <= 0) {
                  ledger.admit("probe", 1);
                  ledger.release("probe");
                  continue;
                }
                if (ledger.admit("t" + i, step) instanceof Admission.Admitted) {
                  expected += step;
                }
                assertThat(ledger.allocatedBytes()).isEqualTo(expected).isLessThanOrEqualTo(300);
                assertThat(ledger.freeBytes()).isEqualTo(300 - expected);
              }
            });
  }

  @Test
  void headroomIsTheLargerOfShareAndFloor() {
    Headroom headroom = new Headroom(3, 256L << 20);
    assertThat(headroom.bytes(80 * GIB)).isEqualTo((long) (80 * GIB * 0.03));
    assertThat(headroom.bytes(2 * GIB)).isEqualTo(256L << 20);
    assertThat(headroom.capacityBytes(GIB, GIB)).isZero();
    assertThatThrownBy(() -> new Headroom(Double.NaN, 0))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void bytesReadAsPeopleWriteThem() {
    assertThat(ByteText.of(0)).isEqualTo("0 B");
    assertThat(ByteText.of(16L << 20)).isEqualTo("16 MiB");
    assertThat(ByteText.of(15 * GIB / 2)).isEqualTo("7.5 GiB");
    assertThat(ByteText.of(Long.MAX_VALUE)).isEqualTo("8 EiB");
    assertThat(ByteText.of((1L << 30) - 1)).isEqualTo("1 GiB");
  }
}
