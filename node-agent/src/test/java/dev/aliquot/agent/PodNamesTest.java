package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PodNamesTest {
  private static final String LEGAL = "[A-Za-z0-9][A-Za-z0-9._/-]{0,62}";

  @Test
  void aNameThatFitsIsKept() {
    assertThat(PodNames.name("shop/web-1/app")).isEqualTo("shop/web-1/app");
    String longest = "n/" + "p".repeat(57) + "/app";
    assertThat(PodNames.name(longest)).hasSize(63).isEqualTo(longest);
  }

  @Test
  void longNamesAreShortenedAndStayDifferent() {
    Set<String> names = new HashSet<>();
    for (int i = 0; i < 1000; i++) {
      String name = PodNames.name("n".repeat(63) + "/" + "p".repeat(250) + "/c" + i);
      assertThat(name).hasSize(63).matches(LEGAL).startsWith("nnn");
      names.add(name);
    }
    assertThat(names).hasSize(1000);
  }

  @Test
  void whatIsNoNameBecomesOne() {
    assertThat(PodNames.name("/../\n/x")).matches(LEGAL);
    assertThat(PodNames.name("")).matches(LEGAL);
    assertThat(PodNames.name("a b/c/d")).isNotEqualTo(PodNames.name("a_b/c/d")).matches(LEGAL);
  }

  @Test
  void aNamesakesNameSaysWhich() {
    assertThat(PodNames.again("shop/web-1/app", "0123456789abcdef"))
        .isEqualTo("shop/web-1/app-01234567");
    assertThat(PodNames.again("n".repeat(400), "0123456789abcdef")).hasSize(63).matches(LEGAL);
  }
}
