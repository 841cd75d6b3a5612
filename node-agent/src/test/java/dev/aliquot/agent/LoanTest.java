package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.TenantResize;
import org.junit.jupiter.api.Test;

/** Request, limit and what lies between, under the real agent. */
class LoanTest extends AgentFixture {

  private static TenantResize memory(Long requestBytes, Long limitBytes) {
    return new TenantResize(requestBytes, null, limitBytes, null);
  }

  @Test
  void aTenantBorrowsWhatItsNeighbourDoesNotUse() throws Exception {
    Talker owner = cudaReady(grant("owner", 5 * GIB));
    Talker borrower = cudaReady(grant("borrower", 2 * GIB, 7 * GIB));
    assertThat(owner.say("alloc " + GIB)).isEqualTo(SUCCESS);
    for (int i = 0; i < 5; i++) {
      assertThat(borrower.say("alloc " + GIB)).as("GiB %d", i).isEqualTo(SUCCESS);
    }
    assertThat(view("borrower").loanBytes()).isEqualTo(3 * GIB + CONTEXT);
    assertThat(device().loanBytes()).isEqualTo(3 * GIB + CONTEXT);
    assertThat(borrower.say("alloc " + 2 * GIB)).as("nothing is left").isEqualTo(OUT_OF_MEMORY);
    assertThat(owner.say("alloc " + 64 * MIB))
        .as("the neighbour notices nothing")
        .isEqualTo(SUCCESS);
  }

  @Test
  void theLimitIsTheMostATenantHolds() throws Exception {
    Talker borrower = cudaReady(grant("borrower", GIB, 3 * GIB));
    assertThat(borrower.say("alloc " + 2 * GIB)).isEqualTo(SUCCESS);
    assertThat(borrower.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
    assertThat(borrower.say("total")).isEqualTo(Long.toString(3 * GIB));
  }

  @Test
  void twentyTenantsThatAllGrowAtOnceNeverHoldMoreThanThereIs() throws Exception {
    Talker[] tenants = new Talker[20];
    for (int i = 0; i < tenants.length; i++) {
      // contexts of 256 MiB: each has room for its own and 32 MiB
      tenants[i] = cuda(grant("t" + i, 288 * MIB, 7 * GIB));
      assertThat(tenants[i].say("init")).isEqualTo(SUCCESS);
    }
    for (Talker tenant : tenants) {
      tenant.tell("churn 1500 " + 64 * MIB);
    }
    for (int i = 0; i < tenants.length; i++) {
      assertThat(tenants[i].answer()).as("tenant %d allocated something", i).doesNotStartWith("0 ");
    }
    Eventually.soon(
        () -> {
          assertThat(device().loanBytes()).isZero();
          assertThat(agent.view().tenants()).allMatch(tenant -> tenant.reportedBytes() == 0);
        });
    assertThat(tenants[7].say("alloc " + GIB)).as("the room is there again").isEqualTo(SUCCESS);
  }

  @Test
  void aTenantGrowsWithoutARestart() throws Exception {
    Talker notebook = cudaReady(grant("notebook", GIB));
    assertThat(notebook.say("alloc " + 2 * GIB)).isEqualTo(OUT_OF_MEMORY);
    resize("notebook", memory(null, 7 * GIB));
    assertThat(notebook.say("total")).isEqualTo(Long.toString(7 * GIB));
    assertThat(notebook.say("alloc " + 2 * GIB)).isEqualTo(SUCCESS);
    resize("notebook", memory(4 * GIB, null));
    assertThat(view("notebook").requestBytes()).isEqualTo(4 * GIB);
    assertThat(view("notebook").limitBytes()).isEqualTo(7 * GIB);
    assertThat(view("notebook").loanBytes()).isZero();
  }

  @Test
  void whatIsHeldBeyondASmallerRequestIsALoan() throws Exception {
    Talker tenant = cudaReady(grant("tenant", 4 * GIB));
    assertThat(tenant.say("alloc " + 3 * GIB)).isEqualTo(SUCCESS);
    resize("tenant", memory(GIB, 4 * GIB));
    assertThat(view("tenant").loanBytes()).isEqualTo(2 * GIB + CONTEXT);
    assertThat(tenant.say("free")).isEqualTo(SUCCESS);
  }

  @Test
  void aResizeIsThereAfterARestartOfTheAgent() throws Exception {
    Talker tenant = cudaReady(grant("tenant", GIB));
    resize("tenant", memory(2 * GIB, 5 * GIB));
    restartAgent();
    assertThat(view("tenant").requestBytes()).isEqualTo(2 * GIB);
    assertThat(view("tenant").limitBytes()).isEqualTo(5 * GIB);
    assertThat(tenant.say("alloc " + 3 * GIB)).isEqualTo(SUCCESS);
  }

  @Test
  void aResizeThatCannotBeIsRefusedWithItsCauseAndChangesNothing() throws Exception {
    grant("other", 5 * GIB);
    grant("tenant", GIB);
    AgentException noRoom =
        catchThrowableOfType(AgentException.class, () -> resize("tenant", memory(4 * GIB, null)));
    assertThat(noRoom.kind()).isEqualTo(AgentException.Kind.NO_ROOM);
    assertThat(noRoom).hasMessageContaining("4 GiB were asked for");
    AgentException below =
        catchThrowableOfType(AgentException.class, () -> resize("tenant", memory(2 * GIB, GIB)));
    assertThat(below.kind()).isEqualTo(AgentException.Kind.INVALID);
    assertThat(below).hasMessageContaining("the limit of 1 GiB is less than the request of 2 GiB");
    AgentException beyond =
        catchThrowableOfType(AgentException.class, () -> resize("tenant", memory(null, 80 * GIB)));
    assertThat(beyond).hasMessageContaining("a limit of 80 GiB is more than");
    assertThat(
            catchThrowableOfType(AgentException.class, () -> resize("nobody", memory(GIB, null)))
                .kind())
        .isEqualTo(AgentException.Kind.NOT_FOUND);
    assertThat(view("tenant").requestBytes()).isEqualTo(GIB);
    assertThat(view("tenant").limitBytes()).isEqualTo(GIB);
  }
}
