package dev.aliquot.agent.plugin;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class OrphansTest {
  private final Set<String> used = new HashSet<>();
  private final List<String> ended = new ArrayList<>();
  private Optional<Set<String>> known = Optional.of(Set.of("a"));
  private final Orphans orphans =
      new Orphans(() -> List.of("a", "b", "c"), used::contains, ended::add, () -> known);

  @Test
  void whatNobodyKnowsAndNobodyUsesAtTwoLooksIsEnded() {
    used.add("c");
    orphans.look();
    assertThat(ended).as("it may have been made this moment").isEmpty();
    orphans.look();
    assertThat(ended).containsExactly("b");
  }

  @Test
  void whileNobodyCanSayWhoseTheyAreAllStay() {
    orphans.look();
    known = Optional.empty();
    orphans.look();
    orphans.look();
    assertThat(ended).isEmpty();
  }

  @Test
  void whatIsSomebodysAgainStays() {
    orphans.look();
    known = Optional.of(Set.of("a", "b", "c"));
    orphans.look();
    known = Optional.of(Set.of("a"));
    orphans.look();
    assertThat(ended).isEmpty();
  }
}
