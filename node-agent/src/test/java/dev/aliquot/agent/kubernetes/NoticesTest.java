package dev.aliquot.agent.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class NoticesTest {
  private static final long SECOND = Duration.ofSeconds(1).toNanos();
  private static final Instant NOW = Instant.EPOCH;

  private final Notices notices = new Notices();

  private static Notice of(String pod, String reason, boolean mild) {
    return new Notice(Optional.of(new PodName("ns", pod)), reason, "text", true, mild);
  }

  @Test
  void thoseOfOneSubjectAreOneWithACountAndAreToldOnceInAWhile() {
    notices.add(of("p", "A", true), 2, NOW);
    notices.add(of("p", "A", true), 3, NOW.plusSeconds(1));
    assertThat(notices.due(0))
        .containsExactly(new Notices.Waiting(of("p", "A", true), 5, NOW, NOW.plusSeconds(1)));
    notices.done(of("p", "A", true).subject(), 0);
    notices.add(of("p", "A", true), 1, NOW);
    assertThat(notices.due(9 * SECOND)).isEmpty();
    assertThat(notices.due(10 * SECOND)).hasSize(1);
    assertThat(notices.size()).isEqualTo(1);
  }

  @Test
  void whereThereAreTooManyProgramsFaultsGoFirst() {
    notices.add(of("grave", "GpuXid79", false), 1, NOW);
    for (int i = 0; i < 10_000; i++) {
      notices.add(of("p" + i, "GpuXid31", true), 1, NOW);
    }
    assertThat(notices.size()).isEqualTo(Notices.MOST);
    assertThat(notices.dropped()).isEqualTo(10_001 - Notices.MOST);
    assertThat(notices.due(0).getFirst().notice().reason()).isEqualTo("GpuXid79");
    for (int i = 0; i < 1000; i++) {
      notices.add(of("q" + i, "GpuXid79", false), 1, NOW);
    }
    assertThat(notices.size()).isEqualTo(Notices.MOST);
  }

  @Test
  void anEventsNameIsTheSameForAllTimeAndAllowedByTheServer() {
    String name = of("train-0", "GpuXid79", false).subject().eventName("node.example");
    assertThat(name)
        .isEqualTo(of("train-0", "GpuXid79", true).subject().eventName("node.example"))
        .isNotEqualTo(of("train-0", "GpuXid79", true).subject().eventName("other"))
        .isNotEqualTo(of("train-0", "GpuXid31", true).subject().eventName("node.example"))
        .startsWith("train-0.aliquot-")
        .matches("[a-z0-9]([-a-z0-9.]*[a-z0-9])?");
    String longest = "a".repeat(199) + "-" + "b".repeat(53);
    assertThat(of(longest, "GpuXid79", false).subject().eventName("n"))
        .hasSizeLessThanOrEqualTo(253)
        .doesNotContain("-.");
  }
}
