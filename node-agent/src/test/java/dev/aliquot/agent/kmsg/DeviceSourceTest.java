package dev.aliquot.agent.kmsg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class DeviceSourceTest {
  private static final String BOOT = "7adc3c52-5f92-4826-9bef-b83e45b8c7f3";

  private final ScriptedDevice device = new ScriptedDevice();
  private final List<String> told = new ArrayList<>();

  private DeviceSource source(LogPosition from) {
    return new DeviceSource(device, BOOT, from);
  }

  /** Steps to the end; records as their texts, lost ones as "lost n". */
  private List<String> read(DeviceSource source) throws IOException {
    Source.Sink sink =
        new Source.Sink() {
          @Override
          public void record(KernelRecord record) {
            told.add(record.text());
          }

          @Override
          public void lost(long records) {
            told.add("lost " + records);
          }
        };
    while (source.step(sink)) {
      // all of it
    }
    return told;
  }

  @Test
  void propertiesBehindAMessageAreNoPartOfIt() throws IOException {
    device.says(1, "one").says(2, "two");
    assertThat(read(source(LogPosition.BEGINNING))).containsExactly("one", "two");
  }

  @Test
  void whatWasOverwrittenIsCountedByTheNumbersAroundIt() throws IOException {
    device.says(10, "one").gives(Device.OVERWRITTEN).gives(Device.OVERWRITTEN).says(17, "two");
    assertThat(read(source(LogPosition.BEGINNING))).containsExactly("one", "lost 6", "two");
  }

  @Test
  void whatWasOverwrittenBeforeAnythingWasReadIsNotCounted() throws IOException {
    device.gives(Device.OVERWRITTEN).says(1000, "one");
    assertThat(read(source(LogPosition.BEGINNING))).containsExactly("one");
  }

  @Test
  void aRecordThatIsTooLongIsCountedOnce() throws IOException {
    device.gives(Device.TOO_LONG).says(11, "one").gives(Device.TOO_LONG).says(13, "two");
    assertThat(read(source(LogPosition.BEGINNING)))
        .containsExactly("lost 1", "one", "lost 1", "two");
  }

  @Test
  void aReadThatIsNoRecordIsCountedAndTheNextIsRead() throws IOException {
    device.says(1, "one").gives("\0\1garbage").says(3, "two");
    assertThat(read(source(LogPosition.BEGINNING))).containsExactly("one", "lost 1", "two");
  }

  @Test
  void aDeviceThatGivesNoRecordsIsNoLog() {
    device.gives("\0\0\0");
    assertThatThrownBy(() -> read(source(LogPosition.BEGINNING)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no kernel log");
    ScriptedDevice empty = new ScriptedDevice().gives(0);
    assertThatThrownBy(() -> read(new DeviceSource(empty, BOOT, LogPosition.BEGINNING)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no kernel log");
  }

  @Test
  void fromAPositionOfThisBootNothingIsRepeatedOrLost() throws IOException {
    device.says(1, "one").says(2, "two");
    DeviceSource first = source(LogPosition.BEGINNING);
    read(first);
    assertThat(first.position()).isEqualTo(new LogPosition(BOOT, 3));
    device.says(3, "three");
    device.rewind();
    assertThat(read(source(first.position()))).containsExactly("one", "two", "three");
  }

  @Test
  void whatWasOverwrittenSinceThePositionIsCounted() throws IOException {
    device.says(100, "one");
    assertThat(read(source(new LogPosition(BOOT, 40)))).containsExactly("lost 60", "one");
  }

  @Test
  void aPositionOfAnotherBootIsTheBeginning() throws IOException {
    device.says(5, "one").says(6, "two");
    assertThat(read(source(new LogPosition("8a3d0000-0000-0000-0000-000000000000", 6))))
        .containsExactly("one", "two");
  }

  @Test
  void aPositionBehindTheEndIsOfALogThatWasSetBack() throws IOException {
    device.says(5, "one").says(6, "two");
    DeviceSource source = source(new LogPosition(BOOT, 900));
    assertThat(read(source)).containsExactly("one", "two");
    device.says(7, "three");
    assertThat(read(source)).containsExactly("one", "two", "three");
  }

  @Test
  void whatCouldNotBeReadBeforeThePositionIsNotCountedAgain() throws IOException {
    device.gives(Device.TOO_LONG).says(5, "one").gives(Device.TOO_LONG);
    DeviceSource first = source(LogPosition.BEGINNING);
    assertThat(read(first)).containsExactly("lost 1", "one", "lost 1");
    told.clear();
    device.rewind();
    assertThat(read(source(first.position()))).isEmpty();
  }

  @Test
  void atTheEndOfTheLogAPositionThereIsKept() throws IOException {
    device.says(5, "one").says(6, "two");
    DeviceSource source = source(new LogPosition(BOOT, 7));
    assertThat(read(source)).isEmpty();
    device.says(7, "three");
    assertThat(read(source)).containsExactly("three");
  }

  @Test
  void numbersThatGoBackOrAreHugeAreRecordsLikeOthers() throws IOException {
    device.says(5, "one").says(3, "two").says(Long.MAX_VALUE, "three").says(0, "four");
    assertThat(read(source(LogPosition.BEGINNING)))
        .containsExactly("one", "two", "lost " + (Long.MAX_VALUE - 4), "three", "four");
  }
}
