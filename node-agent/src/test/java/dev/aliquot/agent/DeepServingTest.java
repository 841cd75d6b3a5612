package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The agent's part in deep swap: processes with real contexts on the simulated driver that speak
 * the protocol by themselves, and say what data they hold without having any.
 */
class DeepServingTest extends LendingFixture {
  private static final String GRANTED = "granted 0";
  private static final long REQUEST = GIB;
  private static final long DATA = 512 * MIB;

  private Talker a;
  private long capacity;

  @BeforeEach
  void aTenantWithAContext() throws IOException {
    agentWait = Duration.ofMinutes(1);
    serveDevice(4 * GIB, CONTEXT);
    capacity = node().devices().getFirst().capacityBytes();
    a = tenant("a", REQUEST, capacity, DATA);
  }

  private Talker tenant(String name, long requestBytes, long limitBytes, long dataBytes)
      throws IOException {
    Map<String, String> environment = environment(name, requestBytes, limitBytes);
    Talker program = talk(Map.of(), CProgram.of("chunk_tenant"));
    assertThat(program.say("enter " + environment.get("ALIQUOT_TENANT_DIR"))).isEqualTo("ok");
    assertThat(program.say("hello")).startsWith("welcome 0 ");
    assertThat(program.say("context")).isEqualTo(SUCCESS);
    assertThat(program.say("ask 0 " + dataBytes)).startsWith("granted ");
    assertThat(program.say("hold 0 " + dataBytes)).isEqualTo("ok");
    Eventually.soon(() -> assertThat(tenant(name).groundTruthBytes()).isEqualTo(CONTEXT));
    return program;
  }

  private void is(String state) {
    Eventually.soon(() -> assertThat(tenant("a").state()).isEqualTo(state));
  }

  private void isTold(String word, String value) {
    Eventually.soon(() -> assertThat(a.say(word)).isEqualTo(value));
  }

  private void parks() {
    assertThat(serving.say("swap out a")).isEqualTo("ok");
    isTold("away", "1");
    assertThat(a.say("park")).isEqualTo("ok");
    assertThat(a.say("moved 0")).startsWith("granted ");
    is("swapped");
    Eventually.soon(() -> assertThat(tenant("a").overheadBytes()).isEqualTo(CONTEXT));
  }

  private void goesDeep() {
    parks();
    assertThat(serving.say("swap out_deep a")).isEqualTo("ok");
    isTold("deep", "1");
    letsGo();
  }

  private void letsGo() {
    assertThat(a.say("bare")).isEqualTo("ok");
    assertThat(a.say("moved 0")).startsWith("granted ");
    is("deep");
    Eventually.soon(() -> assertThat(node().devices().getFirst().usedBytes()).isZero());
  }

  private void comesBack() {
    assertThat(a.say("resume")).isEqualTo(GRANTED);
    isBack();
  }

  private void isBack() {
    assertThat(a.say("deep")).as("stands in the page before it is told").isEqualTo("0");
    assertThat(a.say("away")).isEqualTo("0");
    assertThat(a.say("run " + DATA)).isEqualTo("ok");
    is("running");
    Eventually.soon(() -> assertThat(tenant("a").groundTruthBytes()).isEqualTo(CONTEXT));
  }

  @Test
  void aTenantLeavesTheDeviceWithItsContextsAndComesBack() {
    goesDeep();
    assertThat(tenant("a").overheadBytes()).isZero();
    comesBack();
    assertThat(a.say("park")).isEqualTo("ok");
    Eventually.soon(() -> assertThat(tenant("a").overheadBytes()).isEqualTo(CONTEXT));
    assertThat(a.say("run " + DATA)).isEqualTo("ok");
    goesDeep();
    comesBack();
  }

  @Test
  void oneThatHasBeenOutForLongEnoughGoesByItself() throws IOException {
    deepAfter = Duration.ofMillis(500);
    serveAgain(POOL, 1);
    assertThat(serving.say("swap out a")).isEqualTo("ok");
    isTold("away", "1");
    assertThat(a.say("park")).isEqualTo("ok");
    assertThat(a.say("moved 0")).startsWith("granted ");
    isTold("deep", "1");
    letsGo();
    assertThat(serving.say("swap in a")).isEqualTo("ok");
    isTold("deep", "0");
    isBack();
  }

  @Test
  void nobodyGoesByItselfWhereNothingIsSaidOfIt() throws InterruptedException {
    parks();
    Thread.sleep(2000);
    assertThat(a.say("deep")).isEqualTo("0");
    assertThat(tenant("a").state()).isEqualTo("swapped");
  }

  @Test
  void oneThatFindsNoRoomForItsContextsIsNotRestored() throws IOException {
    goesDeep();
    // what it says it holds hides its own context
    long all = capacity - CONTEXT / 2;
    Talker b = tenant("b", 2 * GIB, capacity, 2 * GIB);
    assertThat(b.say("ask 0 " + all)).startsWith("granted ");
    assertThat(b.say("hold 0 " + all)).isEqualTo("ok");
    a.tell("resume");
    Eventually.soon(() -> assertThat(b.say("resident 0")).isNotEqualTo("-1"));
    assertThat(tenant("a").state()).isEqualTo("surfacing");
    assertThat(tenant("a").groundTruthBytes()).isZero();
    long left = Long.parseLong(b.say("resident 0"));
    assertThat(left).isLessThanOrEqualTo(all - CONTEXT / 2);
    assertThat(b.say("hold 0 " + left)).isEqualTo("ok");
    assertThat(b.say("moved 0")).startsWith("granted ");
    assertThat(a.answer()).isEqualTo(GRANTED);
    isBack();
  }

  @Test
  void whoIsWantedBackBeforeItHasLetGoStaysHot() {
    parks();
    assertThat(serving.say("swap out_deep a")).isEqualTo("ok");
    isTold("deep", "1");
    comesBack();
  }

  @Test
  void whoCannotLetGoStaysHotForAReasonThatIsShown() {
    parks();
    assertThat(serving.say("swap out_deep a")).isEqualTo("ok");
    isTold("deep", "1");
    assertThat(a.say("moved 6")).startsWith("granted ");
    assertThat(a.say("deep")).isEqualTo("0");
    is("swapped");
    assertThat(tenant("a").swap().stays())
        .isEqualTo("it cannot keep a descriptor of each host chunk");
    comesBack();
  }

  @Test
  void oneThatIsDeepStaysSoOverTheAgentsDeath() throws IOException {
    goesDeep();
    serveAgain(POOL, 1);
    is("deep");
    assertThat(tenant("a").overheadBytes()).isZero();
    comesBack();
  }

  @Test
  void oneThatHadNotGoneWhenTheAgentDiedIsHotAgain() throws IOException {
    parks();
    assertThat(serving.say("swap out_deep a")).isEqualTo("ok");
    isTold("deep", "1");
    serveAgain(POOL, 1);
    isTold("deep", "0");
    is("swapped");
    comesBack();
  }

  @Test
  void oneThatIsKilledWhileDeepLeavesNothing() {
    goesDeep();
    a.kill();
    Eventually.soon(() -> assertThat(tenant("a").processes()).isEmpty());
    assertThat(node().devices().getFirst().usedBytes()).isZero();
  }

  @Test
  void oneThatHasNotLetGoAlthoughItSaysSoIsLostAlone() throws IOException {
    assertThat(serving.say("swap out a")).isEqualTo("ok");
    isTold("away", "1");
    String id = a.say("take 0 " + 64 * MIB).split(" ")[1];
    assertThat(a.say("write " + id + " data")).isEqualTo(SUCCESS);
    parks();
    assertThat(serving.say("swap out_deep a")).isEqualTo("ok");
    isTold("deep", "1");
    letsGo();
    assertThat(a.say("resume")).startsWith("refused 8 ");
    is("lost");
    assertThat(tenant("b", GIB, GIB, DATA).say("pid")).isNotEmpty();
    a.kill();
    Eventually.soon(() -> assertThat(tenant("a").processes()).isEmpty());
  }
}
