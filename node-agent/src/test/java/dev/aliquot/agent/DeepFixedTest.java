package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.MemoryGroup;
import dev.aliquot.agent.support.Talker;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Real programs with the tenant library that hold nothing that moves: they leave the simulated
 * device by the driver's checkpoint alone, others borrow their room, and they compute right when
 * they are back.
 */
class DeepFixedTest extends LendingFixture {
  private static final long STEP = 128 * MIB;

  private long capacity;
  private Talker fixed;

  @BeforeEach
  void aTenantThatMayNotBorrow() throws Exception {
    // who waits for memory must not wait for a turn that lasts
    idleAfter = Duration.ofMillis(1500);
    agentWait = Duration.ofMinutes(2);
    serveDevice(2 * GIB + 512 * MIB, CONTEXT);
    capacity = node().devices().getFirst().capacityBytes();
    fixed = cuda("fixed", capacity / 2, capacity / 2);
    assertThat(fixed.say("init")).isEqualTo(SUCCESS);
  }

  private Talker borrower() throws IOException {
    Talker borrower = cuda("borrower", capacity / 4, capacity);
    assertThat(borrower.say("init")).isEqualTo(SUCCESS);
    return borrower;
  }

  private static long fill(Talker tenant, long upToBytes) {
    long bytes = 0;
    for (; bytes + STEP <= upToBytes; bytes += STEP) {
      grow(tenant, STEP);
    }
    return bytes;
  }

  private static void fillAllThatIsFree(Talker tenant) {
    for (String answer = SUCCESS + " "; answer.startsWith(SUCCESS + " "); ) {
      answer = tenant.say("grow " + STEP);
    }
  }

  private void is(String name, String state) {
    Eventually.soon(() -> assertThat(tenant(name).state()).isEqualTo(state));
  }

  private void goesDeep(String name) {
    Eventually.soon(
        () -> {
          if (List.of("running", "swapped").contains(tenant(name).state())) {
            assertThat(serving.say("swap out_deep " + name)).isEqualTo("ok");
          }
          assertThat(tenant(name).state()).isEqualTo("deep");
        });
    Eventually.soon(() -> assertThat(tenant(name).groundTruthBytes()).isZero());
  }

  @Test
  void anotherBorrowsWhatItLeavesAndGivesItBack() throws Exception {
    long held = fill(fixed, capacity / 2 - 2 * CONTEXT);
    Talker borrower = borrower();
    goesDeep("fixed");
    Eventually.soon(() -> assertThat(tenant("fixed").usedBytes()).isZero());
    assertThat(tenant("fixed").demotedBytes()).isGreaterThanOrEqualTo(held);
    fill(borrower, capacity - CONTEXT - STEP);
    assertThat(tenant("borrower").loanBytes()).isGreaterThan(capacity / 4);
    assertThat(fixed.say("work")).isEqualTo(SUCCESS);
    assertComputesRight(fixed);
    is("fixed", "running");
    assertThat(tenant("fixed").reportedBytes()).isGreaterThanOrEqualTo(held);
    assertThat(tenant("fixed").demotedBytes()).isZero();
    assertThat(fixed.say("rest")).isEqualTo(SUCCESS);
    assertThat(borrower.say("work")).isEqualTo(SUCCESS);
    assertComputesRight(borrower);
  }

  @Test
  void itComesBackAsOftenAsItLeaves() {
    long held = fill(fixed, capacity / 4);
    for (int round = 0; round < 3; round++) {
      goesDeep("fixed");
      assertThat(node().devices().getFirst().usedBytes()).isZero();
      assertThat(fixed.say("work")).isEqualTo(SUCCESS);
      assertComputesRight(fixed);
      assertThat(fixed.say("rest")).isEqualTo(SUCCESS);
      is("fixed", "running");
      Eventually.soon(
          () -> assertThat(tenant("fixed").reportedBytes()).isGreaterThanOrEqualTo(held));
    }
    grow(fixed, STEP);
    assertThat(serving.say("swap out_deep fixed")).isEqualTo("ok");
    is("fixed", "deep");
    grow(fixed, STEP);
    assertThat(fixed.say("drop")).isEqualTo(SUCCESS);
  }

  @Test
  void withoutTheDriverNothingOfItLeaves() throws IOException {
    fill(fixed, STEP);
    assertThat(serving.say("swap out fixed"))
        .isEqualTo(
            "INVALID tenant fixed has no limit above its request, so its memory does not move by"
                + " itself: with --deep the driver takes all of it off the device");
    borrower();
    assertThat(serving.say("swap out borrower"))
        .isEqualTo(
            "INVALID tenant borrower holds nothing that moves, or has just failed to move it: with"
                + " --deep the driver takes all of it off the device");
    assertThat(tenant("fixed").state()).isEqualTo("running");
  }

  @Test
  void aProcessWithNothingButAContextLeavesBesideOneWithData() throws IOException {
    Map<String, String> environment = environment("both", capacity * 3 / 8, capacity);
    Talker idle = talk(environment, CProgram.of("working_tenant"));
    Talker other = talk(environment, CProgram.of("working_tenant"));
    assertThat(idle.say("init")).isEqualTo(SUCCESS);
    assertThat(other.say("init")).isEqualTo(SUCCESS);
    fill(other, STEP);
    goesDeep("both");
    assertThat(other.say("work")).isEqualTo(SUCCESS);
    assertComputesRight(other);
    Eventually.soon(() -> assertThat(tenant("both").groundTruthBytes()).isGreaterThan(CONTEXT));
    assertThat(tenant("both").groundTruthBytes()).as("one of two").isLessThan(2 * CONTEXT + STEP);
    fill(idle, STEP);
    assertThat(idle.say("check")).startsWith(SUCCESS + " ");
  }

  @Test
  void aProcessWithNothingButAContextFollowsOneThatHasLeft() throws Exception {
    deepAfter = Duration.ofMillis(500);
    serveAgain(POOL, 1);
    Map<String, String> environment = environment("both", capacity * 3 / 8, capacity);
    Talker idle = talk(environment, CProgram.of("working_tenant"));
    Talker other = talk(environment, CProgram.of("working_tenant"));
    assertThat(idle.say("init")).isEqualTo(SUCCESS);
    assertThat(other.say("init")).isEqualTo(SUCCESS);
    fill(other, STEP);
    assertThat(serving.say("swap out both")).isEqualTo("ok");
    Eventually.soon(() -> assertThat(tenant("both").groundTruthBytes()).isZero());
    assertThat(tenant("both").state()).isEqualTo("deep");
    fill(idle, STEP);
    assertThat(other.say("check")).startsWith(SUCCESS + " ");
    assertThat(idle.say("check")).startsWith(SUCCESS + " ");
  }

  @Test
  void itStaysDeepOverARestartOfTheAgentAndItsRoomIsFound() throws Exception {
    fill(fixed, capacity / 2 - 2 * CONTEXT);
    goesDeep("fixed");
    serveAgain(POOL, 1);
    is("fixed", "deep");
    Talker borrower = borrower();
    fill(borrower, capacity - CONTEXT - STEP);
    assertThat(fixed.say("work")).isEqualTo(SUCCESS);
    assertComputesRight(fixed);
    is("fixed", "running");
    assertThat(borrower.say("check")).startsWith(SUCCESS + " ");
  }

  @Test
  void killedWhileItIsDeepItLeavesNothing() throws Exception {
    fill(fixed, capacity / 4);
    goesDeep("fixed");
    fixed.kill();
    Talker borrower = borrower();
    fill(borrower, capacity - CONTEXT - STEP);
  }

  @Test
  void withManagedMemoryItStaysOnTheDeviceAndGoesOn() {
    long held = fill(fixed, capacity / 4);
    assertThat(fixed.say("manage " + 4 * MIB)).isEqualTo(SUCCESS);
    assertThat(serving.say("swap out_deep fixed")).isEqualTo("ok");
    Eventually.soon(
        () -> assertThat(tenant("fixed").swap().stays()).contains("cuCheckpointProcessCheckpoint"));
    is("fixed", "swapped");
    assertThat(tenant("fixed").groundTruthBytes()).isGreaterThanOrEqualTo(held + CONTEXT);
    assertThat(tenant("fixed").reportedBytes()).isGreaterThanOrEqualTo(held);
    assertThat(fixed.say("work")).isEqualTo(SUCCESS);
    assertComputesRight(fixed);
    is("fixed", "running");
  }

  @Test
  void whatItsShareHasNoPlaceForAnyMoreStaysOnTheDevice() throws Exception {
    long held = fill(fixed, capacity / 4);
    assertThat(serving.say("resize fixed " + (held - STEP) + " " + (held - STEP))).isEqualTo("ok");
    assertThat(serving.say("swap out_deep fixed")).isEqualTo("ok");
    Eventually.soon(
        () -> assertThat(tenant("fixed").swap().stays()).contains("has no place for it"));
    assertThat(fixed.say("check")).startsWith(SUCCESS + " ");
    assertThat(serving.say("resize fixed " + capacity / 2 + " " + capacity / 2)).isEqualTo("ok");
    goesDeep("fixed");
    assertThat(serving.say("resize fixed " + held + " " + held)).contains("come back");
    assertThat(fixed.say("check")).startsWith(SUCCESS + " ");
  }

  @Test
  void anotherProgramInADeepProcessStartsAnew() throws Exception {
    fill(fixed, capacity / 4);
    goesDeep("fixed");
    assertThat(fixed.say("exec")).isEqualTo(SUCCESS);
    assertThat(fixed.say("init")).isEqualTo(SUCCESS);
    grow(fixed, STEP);
    is("fixed", "running");
    Eventually.soon(
        () -> assertThat(tenant("fixed").groundTruthBytes()).isBetween(STEP, 2 * CONTEXT + STEP));
    goesDeep("fixed");
    assertThat(fixed.say("check")).startsWith(SUCCESS + " ");
  }

  /** The driver's copy is all that it holds, not its contexts alone. */
  @Test
  void whatItsMemoryLimitDoesNotTakeStaysOnTheDevice() throws Exception {
    long held = fill(fixed, capacity / 4);
    try (MemoryGroup group = MemoryGroup.make()) {
      group.add(fixed.pid());
      group.leave(held + CONTEXT - MIB);
      assertThat(serving.say("swap out_deep fixed")).isEqualTo("ok");
      Eventually.soon(
          () ->
              assertThat(tenant("fixed").swap().stays())
                  .contains("would not fit its container's memory limit"));
      assertThat(tenant("fixed").groundTruthBytes()).isGreaterThanOrEqualTo(held + CONTEXT);
      assertThat(fixed.say("check")).startsWith(SUCCESS + " ");
      group.leave(held + CONTEXT + 256 * MIB);
      goesDeep("fixed");
      group.leave(8 * GIB);
      assertThat(fixed.say("work")).isEqualTo(SUCCESS);
      assertComputesRight(fixed);
      fixed.kill();
    }
  }

  @Test
  void nobodyLeavesByItselfWhereNothingIsSaidOfIt() throws Exception {
    fill(fixed, capacity / 2 - 2 * CONTEXT);
    Talker borrower = borrower();
    fillAllThatIsFree(borrower);
    for (int i = 0; i < 5; i++) {
      assertThat(borrower.say("grow " + STEP)).doesNotStartWith(SUCCESS + " ");
      Thread.sleep(idleAfter.toMillis() / 2);
    }
    assertThat(tenant("fixed").state()).isEqualTo("running");
  }

  @Test
  void idleItLeavesAfterAWhileWhereOthersFindNoRoom() throws Exception {
    deepAfter = Duration.ofMillis(500);
    serveAgain(POOL, 1);
    fill(fixed, capacity / 2 - 2 * CONTEXT);
    assertThat(fixed.say("work")).isEqualTo(SUCCESS);
    Talker borrower = borrower();
    fillAllThatIsFree(borrower);
    for (int i = 0; i < 6; i++) {
      assertThat(borrower.say("grow " + STEP)).as("it computes").doesNotStartWith(SUCCESS + " ");
      Thread.sleep(idleAfter.toMillis() / 2);
    }
    assertComputesRight(fixed);
    assertThat(tenant("fixed").state()).isEqualTo("running");
    assertThat(fixed.say("rest")).isEqualTo(SUCCESS);
    Eventually.soon(() -> assertThat(borrower.say("grow " + STEP)).startsWith(SUCCESS + " "));
    assertThat(tenant("fixed").state()).isEqualTo("deep");
    assertThat(fixed.say("work")).isEqualTo(SUCCESS);
    assertComputesRight(fixed);
    assertThat(borrower.say("check")).startsWith(SUCCESS + " ");
  }
}
