package dev.aliquot.agent.limits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.aliquot.agent.config.LimitBackend;
import dev.aliquot.agent.device.CgroupLimiter;
import dev.aliquot.ffm.NativeException;
import dev.aliquot.linux.Identity;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which way is taken, and the reason that is given. */
class LimitsChoiceTest {
  private static final class Refusal extends NativeException {
    private static final long serialVersionUID = 1L;

    Refusal() {
      super("MIG cannot");
    }
  }

  private static final class Fake implements CgroupLimiter {
    private final boolean refuses;
    private final List<Path> asked = new ArrayList<>();

    Fake(boolean refuses) {
      this.refuses = refuses;
    }

    @Override
    public void set(Path cgroup, long softBytes, long hardBytes) {
      throw new AssertionError("a probe changes nothing");
    }

    @Override
    public Limits get(Path cgroup) {
      asked.add(cgroup);
      if (refuses) {
        throw new Refusal();
      }
      return new Limits(0, NO_LIMIT, 0);
    }
  }

  @TempDir private Path root;

  @BeforeEach
  void mount() throws Exception {
    Files.createFile(root.resolve("cgroup.controllers"));
  }

  private Optional<String> whyNot(CgroupLimiter... limiters) {
    return LimitsChoice.whyNotDriver(List.of(limiters).stream().map(Optional::of).toList(), root);
  }

  @Test
  void theDriverIsTakenWhereEveryDeviceAnswersAndOnlyRootCanSet() {
    Fake fake = new Fake(false);
    Optional<String> whyNot = whyNot(fake);
    if (Identity.effectiveUserId() == 0) {
      assertThat(whyNot).isEmpty();
      assertThat(fake.asked).allMatch(path -> path.startsWith(root)).hasSize(1);
    } else {
      assertThat(whyNot).contains("only root may set the driver's limits");
    }
  }

  @Test
  void eachLackIsNamed() {
    assertThat(whyNot()).contains("there is no device");
    assertThat(
            LimitsChoice.whyNotDriver(
                List.of(Optional.of(new Fake(false)), Optional.empty()), root))
        .contains("this driver has no limits of its own (R615 and later have)");
    assertThat(
            LimitsChoice.whyNotDriver(
                List.of(Optional.of(new Fake(false))), root.resolve("elsewhere")))
        .contains("cgroup version 2 is not mounted at " + root.resolve("elsewhere"));
    if (Identity.effectiveUserId() == 0) {
      assertThat(whyNot(new Fake(false), new Fake(true)))
          .contains("the driver refuses it for device 1: MIG cannot");
    }
  }

  @Test
  void whatTheConfigurationForcesIsTakenOrRefused() {
    Optional<String> can = Optional.empty();
    Optional<String> cannot = Optional.of("it is too old");
    assertThat(LimitsChoice.driver(LimitBackend.AUTO, can)).isTrue();
    assertThat(LimitsChoice.driver(LimitBackend.AUTO, cannot)).isFalse();
    assertThat(LimitsChoice.driver(LimitBackend.INTERPOSER, can)).isFalse();
    assertThat(LimitsChoice.driver(LimitBackend.DRIVER, can)).isTrue();
    assertThatThrownBy(() -> LimitsChoice.driver(LimitBackend.DRIVER, cannot))
        .hasMessageContaining("memory-limits is driver, but it is too old");
  }
}
