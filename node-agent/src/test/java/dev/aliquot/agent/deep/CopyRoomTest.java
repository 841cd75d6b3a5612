package dev.aliquot.agent.deep;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** Which copies of processes may be made. */
class CopyRoomTest {
  private static final long MIB = 1L << 20;

  private OptionalLong left = OptionalLong.of(1000 * MIB);
  private final CopyRoom room = new CopyRoom(pid -> left);

  @Test
  void aCopyLeavesSomeRoomForTheDriver() {
    assertThat(room.begin(1, 937 * MIB))
        .isEqualTo(
            "the driver's copy of 937 MiB would not fit its container's memory limit: 1000 MiB are"
                + " left");
    assertThat(room.begin(1, 936 * MIB)).isNull();
  }

  @Test
  void copiesUnderWayCountAndThoseThatEndedDoNot() {
    assertThat(room.begin(1, 600 * MIB)).isNull();
    assertThat(room.begin(2, 600 * MIB)).endsWith("limit: 400 MiB are left");
    assertThat(room.begin(2, 300 * MIB)).isNull();
    room.end(600 * MIB);
    left = OptionalLong.of(900 * MIB);
    assertThat(room.begin(2, 600 * MIB)).endsWith("limit: 600 MiB are left");
    room.end(300 * MIB);
    assertThat(room.begin(2, 600 * MIB)).isNull();
  }

  @Test
  void whatCannotBeSeenIsNotEnough() {
    left = OptionalLong.empty();
    assertThat(room.begin(1, 1)).endsWith("which the agent cannot see");
  }

  @Test
  void lessThanNothingIsNothing() {
    assertThat(room.begin(1, 900 * MIB)).isNull();
    left = OptionalLong.of(0);
    assertThat(room.begin(2, 1)).endsWith("limit: 0 B are left");
  }
}
