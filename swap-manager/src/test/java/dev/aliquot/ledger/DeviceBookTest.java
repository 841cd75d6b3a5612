package dev.aliquot.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.quicktheories.QuickTheory.qt;
import static org.quicktheories.generators.SourceDSL.integers;
import static org.quicktheories.generators.SourceDSL.lists;

import org.junit.jupiter.api.Test;

class DeviceBookTest {
  private static final long GIB = 1L << 30;

  @Test
  void admitsUntilTheCapacityIsAllocated() {
    DeviceBook book = new DeviceBook("GPU-1", 16 * GIB);
    assertThat(book.admit("a", Share.fixed(4 * GIB))).isInstanceOf(Admission.Admitted.class);
    assertThat(book.admit("b", Share.fixed(12 * GIB))).isInstanceOf(Admission.Admitted.class);
    assertThat(book.admit("c", Share.fixed(1))).isInstanceOf(Admission.Refused.class);
    book.release("a");
    assertThat(book.freeBytes()).isEqualTo(4 * GIB);
    assertThat(book.admit("c", Share.fixed(4 * GIB))).isInstanceOf(Admission.Admitted.class);
  }

  @Test
  void refusalSaysWhatIsFree() {
    DeviceBook book = new DeviceBook("GPU-1", 16 * GIB);
    book.admit("a", Share.fixed(10 * GIB));
    assertThat(book.admit("b", Share.fixed(8 * GIB)))
        .isEqualTo(
            new Admission.Refused(
                "device GPU-1 has 6 GiB free and 8 GiB were asked for: of the 16 GiB that tenants can have, 10 GiB are allocated"
                    + " to 1 tenant; ask for 6442450944 bytes or less, end a tenant, or choose another device"));
  }

  @Test
  void keepsCarriedOverRequestsThatNoLongerFitAndAdmitsNothingNew() {
    DeviceBook book = new DeviceBook("GPU-1", 8 * GIB);
    book.restore("a", Share.fixed(10 * GIB));
    assertThat(book.freeBytes()).isZero();
    assertThat(book.admit("b", Share.fixed(1))).isInstanceOf(Admission.Refused.class);
    book.release("a");
    assertThat(book.freeBytes()).isEqualTo(8 * GIB);
  }

  @Test
  void refusesRequestsThatAreNoSize() {
    DeviceBook book = new DeviceBook("GPU-1", GIB);
    assertThat(book.admit("a", Share.fixed(0))).isInstanceOf(Admission.Refused.class);
    assertThat(book.admit("a", Share.fixed(Long.MAX_VALUE))).isInstanceOf(Admission.Refused.class);
    assertThatThrownBy(() -> Share.fixed(-1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Share(2, 1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new DeviceBook("x", -1)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void allocationsNeverPassTheCapacity() {
    qt().forAll(lists().of(integers().between(-50, 100)).ofSizeBetween(0, 60))
        .checkAssert(
            steps -> {
              DeviceBook book = new DeviceBook("GPU-1", 300);
              long expected = 0;
              for (int i = 0; i < steps.size(); i++) {
                int step = steps.get(i);
                if (step <= 0) {
                  book.admit("probe", Share.fixed(1));
                  book.release("probe");
                  continue;
                }
                if (book.admit("t" + i, Share.fixed(step)) instanceof Admission.Admitted) {
                  expected += step;
                }
                assertThat(book.allocatedBytes()).isEqualTo(expected).isLessThanOrEqualTo(300);
                assertThat(book.freeBytes()).isEqualTo(300 - expected);
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
