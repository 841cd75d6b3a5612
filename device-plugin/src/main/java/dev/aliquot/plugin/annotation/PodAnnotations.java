package dev.aliquot.plugin.annotation;

import static dev.aliquot.plugin.annotation.Amount.shown;

import dev.aliquot.ledger.ByteText;
import dev.aliquot.ledger.Priority;
import dev.aliquot.ledger.Share;
import dev.aliquot.residency.SwapMode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Reads a pod's annotations for one of its containers. Anything can be in them: what makes no sense
 * is left out, of two that differ the smaller counts, and each is complained of; nothing fails. Own
 * names with the container's as a suffix go before those without; beside them the names that KAI
 * and Run:ai use mean the same. Thread-safe.
 */
public final class PodAnnotations {
  private static final int MOST_COMPLAINTS = 8;
  private static final long MIB = 1L << 20;

  private static final String MEMORY = "gpu-memory";
  private static final String MEMORY_LIMIT = "gpu-memory-limit";
  private static final String FRACTION_LIMIT = "gpu-fraction-limit";
  private static final String SWAP = "swap";
  private static final String PRIORITY = "priority";
  private static final Set<String> OWN =
      Set.of(MEMORY, MEMORY_LIMIT, FRACTION_LIMIT, SWAP, PRIORITY);

  /** KAI's and Run:ai's. */
  private static final String FRACTION = "gpu-fraction";

  private static final String PER_CONTAINER = "nvidia.com/container.";

  private final String prefix;

  /**
   * @param prefix of the own names, without the stroke, such as {@code aliquot.dev}
   */
  public PodAnnotations(String prefix) {
    this.prefix = prefix + "/";
  }

  /**
   * What a container gets of a device.
   *
   * @param annotations the pod's
   * @param capacityBytes what the device has to give out
   * @param units hundredths of it that the kubelet has allocated, 1 to 100
   */
  public Terms read(
      Map<String, String> annotations, String container, long capacityBytes, int units) {
    return new Reading(annotations, container, capacityBytes, units).terms();
  }

  /** What {@code units} hundredths of a device are. */
  public static long unitsBytes(long capacityBytes, int units) {
    return Amount.whole(Math.multiplyExact(capacityBytes, (long) units) / 100);
  }

  /** One value and the name under which it was found. */
  private record Found<T>(String name, T value) {}

  private final class Reading {
    private final Map<String, String> annotations;
    private final String container;
    private final long capacityBytes;
    private final int units;
    private final List<String> complaints = new ArrayList<>();

    Reading(Map<String, String> annotations, String container, long capacityBytes, int units) {
      this.annotations = annotations;
      this.container = container;
      this.capacityBytes = capacityBytes;
      this.units = units;
    }

    Terms terms() {
      long unitsBytes = unitsBytes(capacityBytes, units);
      long request = request(unitsBytes);
      long limit = limit(request);
      SwapMode swap = choice(SWAP, SwapMode.values()).orElse(null);
      Priority priority = choice(PRIORITY, Priority.values()).orElse(Priority.NORMAL);
      complainOfUnknown();
      return new Terms(new Share(request, limit), swap, priority, complaints);
    }

    private long request(long unitsBytes) {
      Optional<Found<Long>> asked =
          smaller(
              own(MEMORY, "a size such as 4GiB", text -> Amount.size(text, 1)),
              either(
                  at(perContainer("request"), "an amount in MiB", text -> Amount.size(text, MIB)),
                  smaller(
                      at(MEMORY, "an amount in MiB", text -> Amount.size(text, MIB)),
                      at(
                          FRACTION,
                          "a fraction such as 0.5",
                          text -> Amount.fraction(text, capacityBytes)))));
      if (asked.isPresent() && asked.get().value() > unitsBytes) {
        complain(
            asked.get().name()
                + " asks for "
                + ByteText.of(asked.get().value())
                + ", and the container's resource is for "
                + units
                + " % of a device, "
                + ByteText.of(unitsBytes)
                + ": it gets that; ask for more of the resource");
      }
      return asked.map(found -> Math.min(found.value(), unitsBytes)).orElse(unitsBytes);
    }

    private long limit(long request) {
      Optional<Found<Long>> asked =
          smaller(
              either(
                  smaller(
                      at(
                          suffixed(MEMORY_LIMIT),
                          "a size such as 4GiB",
                          text -> Amount.size(text, 1)),
                      at(
                          suffixed(FRACTION_LIMIT),
                          "a percentage such as 50",
                          text -> Amount.percent(text, capacityBytes))),
                  smaller(
                      at(
                          prefix + MEMORY_LIMIT,
                          "a size such as 4GiB",
                          text -> Amount.size(text, 1)),
                      at(
                          prefix + FRACTION_LIMIT,
                          "a percentage such as 50",
                          text -> Amount.percent(text, capacityBytes)))),
              either(
                  at(perContainer("limit"), "an amount in MiB", text -> Amount.size(text, MIB)),
                  at(
                      FRACTION_LIMIT,
                      "a fraction such as 0.5",
                      text -> Amount.fraction(text, capacityBytes))));
      if (asked.isEmpty()) {
        return request;
      }
      long bytes = asked.get().value();
      if (bytes < request) {
        complain(
            asked.get().name()
                + " is "
                + ByteText.of(bytes)
                + ", less than the request of "
                + ByteText.of(request)
                + ": the request is the limit");
      } else if (bytes > capacityBytes) {
        complain(
            asked.get().name()
                + " is "
                + ByteText.of(bytes)
                + ", more than the "
                + ByteText.of(capacityBytes)
                + " of the device: that is the limit");
      }
      return Math.max(request, Math.min(bytes, Amount.whole(capacityBytes)));
    }

    private <E extends Enum<E>> Optional<E> choice(String name, E[] values) {
      String allowed = Arrays.stream(values).map(Amount::lower).collect(Collectors.joining(", "));
      return own(
              name,
              "one of " + allowed,
              text ->
                  Arrays.stream(values)
                      .filter(value -> Amount.lower(value).equals(text.strip()))
                      .findFirst())
          .map(Found::value);
    }

    /** The container's own, else the pod's. */
    private <T> Optional<Found<T>> own(
        String name, String what, Function<String, Optional<T>> read) {
      return either(at(suffixed(name), what, read), at(prefix + name, what, read));
    }

    private <T> Optional<Found<T>> either(Optional<Found<T>> first, Optional<Found<T>> second) {
      return first.isPresent() ? first : second;
    }

    private Optional<Found<Long>> smaller(
        Optional<Found<Long>> first, Optional<Found<Long>> second) {
      if (first.isEmpty() || second.isEmpty()) {
        return either(first, second);
      }
      boolean isFirst = first.get().value() <= second.get().value();
      if (!first.get().value().equals(second.get().value())) {
        complain(
            first.get().name()
                + " and "
                + second.get().name()
                + " differ: the smaller one counts, "
                + (isFirst ? first : second).get().name());
      }
      return isFirst ? first : second;
    }

    private <T> Optional<Found<T>> at(
        String name, String what, Function<String, Optional<T>> read) {
      String text = annotations.get(name);
      if (text == null) {
        return Optional.empty();
      }
      Optional<T> value = read.apply(text);
      if (value.isEmpty()) {
        complain(name + " is " + shown(text) + ", not " + what + ": it is left out");
      }
      return value.map(found -> new Found<>(name, found));
    }

    private String suffixed(String name) {
      return prefix + name + "." + container;
    }

    private String perContainer(String end) {
      return PER_CONTAINER + container + ".gpu-memory." + end;
    }

    /** A name that is misspelt is worth a word: it looks as if it did something. */
    private void complainOfUnknown() {
      for (String name : annotations.keySet()) {
        if (complaints.size() >= MOST_COMPLAINTS) {
          return;
        }
        if (name.startsWith(prefix) && !isKnown(name.substring(prefix.length()))) {
          complain(
              shown(name)
                  + " is no annotation that is known: it is left out; known are "
                  + OWN.stream().sorted().collect(Collectors.joining(", "))
                  + ", each also with the container's name after a point");
        }
      }
    }

    private static boolean isKnown(String name) {
      int end = name.indexOf('.');
      return OWN.contains(end < 0 ? name : name.substring(0, end));
    }

    private void complain(String sentence) {
      if (complaints.size() < MOST_COMPLAINTS && !complaints.contains(sentence)) {
        complaints.add(sentence);
      }
    }
  }
}
