package dev.aliquot.ledger;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Steps on a node, by their codes. What a step does hangs on nothing but its own code and what the
 * steps before it left, so that any may be left out.
 */
record History(int devices, List<Integer> codes) {

  ModelNode run() {
    ModelNode node = new ModelNode(devices);
    codes.forEach(code -> node.apply(new Step(code)));
    return node;
  }

  /** What running it breaks. */
  Optional<Throwable> failure() {
    try {
      run();
      return Optional.empty();
    } catch (AssertionError | RuntimeException e) {
      return Optional.of(e);
    }
  }

  /**
   * One that breaks something, as this does, on as few devices as do, and in which no step nor any
   * two can be left out: runs of steps are left out, shorter and shorter ones, as long as it still
   * breaks.
   */
  History shortest() {
    for (int fewer = 1; fewer < devices; fewer++) {
      History smaller = new History(fewer, codes);
      if (smaller.failure().isPresent()) {
        return smaller.shorter(codes.size() / 2).withoutPairs();
      }
    }
    return shorter(codes.size() / 2).withoutPairs();
  }

  private History shorter(int most) {
    History shortest = this;
    int length = Math.max(1, most);
    while (length > 0) {
      History shorter = shortest.without(length);
      boolean again = length == 1 && shorter.codes.size() < shortest.codes.size();
      shortest = shorter;
      length = again ? 1 : length / 2;
    }
    return shortest;
  }

  /** Without any run of so many steps, from the last to the first, that is not needed. */
  private History without(int length) {
    History left = this;
    for (int from = codes.size() - length; from > -length; from -= length) {
      List<Integer> rest = new ArrayList<>(left.codes);
      rest.subList(Math.max(0, from), from + length).clear();
      History shorter = new History(devices, rest);
      if (shorter.failure().isPresent()) {
        left = shorter;
      }
    }
    return left;
  }

  /** Two steps that make up for each other's absence, as a process that comes and goes. */
  private History withoutPairs() {
    for (int first = codes.size() - 1; first > 0; first--) {
      for (int second = first - 1; second >= 0; second--) {
        List<Integer> rest = new ArrayList<>(codes);
        rest.subList(first, first + 1).clear();
        rest.subList(second, second + 1).clear();
        History shorter = new History(devices, rest);
        if (shorter.failure().isPresent()) {
          return shorter.shorter(1).withoutPairs();
        }
      }
    }
    return this;
  }

  String text() {
    return codes.stream()
        .map(code -> new Step(code).text(devices) + " (" + code + ")")
        .collect(Collectors.joining("\n", "\n" + devices + " devices:\n", "\n"));
  }
}
