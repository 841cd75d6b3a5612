package dev.aliquot.agent.tenant;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.DeviceReading;
import dev.aliquot.agent.page.UsageWriter;
import dev.aliquot.agent.wire.Reply;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * Signals fire under a tenant's lock, and whoever waits for them takes another tenant's: the thread
 * that fires must never be the one that goes on with the ask.
 */
class AskingTest extends TenantFixture {
  /** An ask looks again by itself after a moment, and is then not found waiting; mostly it is. */
  private static final int ROUNDS = 20;

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private static Device fullDevice() {
    Device device = device();
    // all of it is held by strangers: an ask within a request waits
    device.book().foreign(CAPACITY);
    return device;
  }

  private Tenant tenant(String id, Device device) throws Exception {
    return tenant(id, device, GIB, GIB);
  }

  private CompletableFuture<Reply> ask(Tenant tenant, Member member) {
    return new Asking(
            new Question.Ask(
                tenant,
                member,
                tenant.holding(0).orElseThrow(),
                context.counters().takeBacks,
                GIB / 2),
            context,
            device -> CompletableFuture.failedFuture(new IllegalStateException("no reading")),
            PATIENCE,
            () -> false)
        .answer()
        .toCompletableFuture();
  }

  @Test
  void aSignalThatFiresUnderATenantsLockNeverWaitsForAnotherTenants() throws Exception {
    List<String> wentOn = new ArrayList<>();
    for (int round = 0; round < ROUNDS; round++) {
      Device device = fullDevice();
      Tenant asker = tenant("asker" + round, device);
      Tenant leaver = tenant("leaver" + round, device);
      Member member = attach(asker);
      Member leaving = attach(leaver);
      CountDownLatch waits = new CountDownLatch(1);
      // takes the process's slot back, and fires, under its tenant's lock
      Thread firing =
          Thread.ofPlatform()
              .start(
                  () -> {
                    await(waits);
                    leaver.detach(leaving);
                  });
      CompletableFuture<Reply> answer;
      CompletableFuture<String> thread;
      synchronized (asker) {
        answer = ask(asker, member);
        thread = answer.thenApply(reply -> Thread.currentThread().getName());
        assertThat(answer).as("waits for memory").isNotDone();
        device.book().foreign(0);
        waits.countDown();
        assertThat(firing.join(PATIENCE)).as("did not wait for the asker's lock").isTrue();
        assertThat(answer).as("needs the asker's lock").isNotDone();
      }
      assertThat(answer.get(PATIENCE.toSeconds(), TimeUnit.SECONDS))
          .isInstanceOf(Reply.Granted.class);
      wentOn.add(thread.join());
      asker.release();
      leaver.release();
    }
    assertThat(wentOn).as("threads that went on with an ask").containsOnly("aliquot-asks");
  }

  @Test
  void aReadingIsNotMadeAgainForAProcessThatStandsStillInTheMiddleOfACall() throws Exception {
    Device device = fullDevice();
    Tenant tenant = tenant("asker", device);
    Member member = attach(tenant);
    UsageWriter process = new UsageWriter(files(tenant).usage(), member.slot);
    process.report(member.generation, 3, 1);
    assertThat(readingStands(tenant, device, () -> {})).isTrue();
    assertThat(readingStands(tenant, device, () -> process.report(member.generation, 4, 1)))
        .as("memory came or went during the reading")
        .isFalse();
    assertThat(readingStands(tenant, device, () -> process.report(member.generation, 4, 0)))
        .as("a call ended during the reading")
        .isFalse();
    tenant.release();
  }

  private interface Meanwhile {
    void run() throws IOException;
  }

  private static boolean readingStands(Tenant tenant, Device device, Meanwhile meanwhile)
      throws IOException {
    Reports reports = tenant.beginReading(device).orElseThrow();
    meanwhile.run();
    return tenant.endReading(reports, DeviceReading.NONE, 0);
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
