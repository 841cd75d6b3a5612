package dev.aliquot.plugin.placement;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.plugin.node.NodeDevice;
import dev.aliquot.plugin.support.FakeNode;
import dev.aliquot.plugin.unit.UnitId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DeviceChoiceTest {
  private final List<NodeDevice> three = FakeNode.devices(3, OptionalInt.empty());

  @Test
  void packTakesTheLeastRoomThatIsEnoughAndSpreadTheMost() {
    Map<String, Integer> room = room(90, 40, 60);

    assertThat(DeviceChoice.choose(Placement.PACK, three, room::get, mixed(50)))
        .containsExactly(FakeNode.uuid(2));
    assertThat(DeviceChoice.choose(Placement.SPREAD, three, room::get, mixed(50)))
        .containsExactly(FakeNode.uuid(0));
  }

  @Test
  void idsOfOneDeviceMeanThatDeviceAsLongAsItHasRoom() {
    assertThat(DeviceChoice.choose(Placement.PACK, three, room(90, 40, 60)::get, of(0, 40)))
        .containsExactly(FakeNode.uuid(0));
    assertThat(DeviceChoice.choose(Placement.PACK, three, room(30, 40, 60)::get, of(0, 40)))
        .containsExactly(FakeNode.uuid(1));
    assertThat(DeviceChoice.choose(Placement.PACK, three, room(10, 20, 30)::get, of(0, 40)))
        .as("none has room: it is waited for")
        .containsExactly(FakeNode.uuid(0));
  }

  @Test
  void aBrokenDeviceIsTakenOnlyWhereItsIdsSaySoAndNobodyElseHasRoom() {
    List<NodeDevice> devices = new ArrayList<>(three);
    devices.set(1, new NodeDevice(1, FakeNode.uuid(1), false, "broken", OptionalInt.empty()));

    assertThat(DeviceChoice.choose(Placement.PACK, devices, room(90, 40, 60)::get, mixed(40)))
        .containsExactly(FakeNode.uuid(2));
    assertThat(DeviceChoice.choose(Placement.PACK, devices, room(0, 100, 0)::get, mixed(40)))
        .containsExactly(FakeNode.uuid(0));
  }

  @Test
  void preferredIdsAreOfTheDeviceThatIsChosen() {
    for (Placement placement : Placement.values()) {
      Collection<String> available = new ArrayList<>(of(0, 90));
      available.addAll(of(1, 40));
      available.addAll(of(2, 60));
      Map<String, Integer> room = room(90, 40, 60);
      for (int size = 1; size <= 90; size++) {
        List<String> preferred =
            PreferredIds.choose(
                placement, three, room::get, id -> false, available, Set.of(), size);
        assertThat(preferred).hasSize(size).doesNotHaveDuplicates().isSubsetOf(available);
        assertThat(preferred.stream().map(id -> UnitId.deviceOf(id).orElse("")).distinct())
            .hasSize(1);
        assertThat(DeviceChoice.choose(placement, three, room::get, preferred))
            .containsExactly(UnitId.deviceOf(preferred.getFirst()).orElseThrow());
      }
    }
  }

  @Test
  void wholeDevicesArePreferredWhole() {
    Collection<String> available = new ArrayList<>(of(0, 100));
    available.addAll(of(1, 60));
    available.addAll(of(2, 100));

    List<String> preferred =
        PreferredIds.choose(
            Placement.PACK, three, room(100, 60, 100)::get, id -> false, available, Set.of(), 200);

    assertThat(preferred).hasSize(200).noneMatch(id -> id.startsWith(FakeNode.uuid(1)));
  }

  @Test
  void unknownIdsAreTakenLastAndNeverMoreThanThereAre() {
    List<String> available = List.of("foreign", FakeNode.uuid(0) + ".00", FakeNode.uuid(9) + ".00");

    assertThat(
            PreferredIds.choose(
                Placement.PACK, three, room(1, 1, 1)::get, id -> false, available, Set.of(), 1))
        .containsExactly(FakeNode.uuid(0) + ".00");
    assertThat(
            PreferredIds.choose(
                Placement.PACK, three, room(1, 1, 1)::get, id -> false, available, Set.of(), 50))
        .containsExactlyInAnyOrderElementsOf(available);
  }

  private static Map<String, Integer> room(int first, int second, int third) {
    return Map.of(FakeNode.uuid(0), first, FakeNode.uuid(1), second, FakeNode.uuid(2), third);
  }

  private static List<String> of(int device, int count) {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      ids.add(new UnitId(FakeNode.uuid(device), i).text());
    }
    return ids;
  }

  private static List<String> mixed(int count) {
    List<String> ids = of(0, count / 2);
    ids.addAll(of(1, count - count / 2));
    return ids;
  }
}
