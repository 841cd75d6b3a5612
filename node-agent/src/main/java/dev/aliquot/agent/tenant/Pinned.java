package dev.aliquot.agent.tenant;

import dev.aliquot.agent.config.ByteSize;
import dev.aliquot.agent.page.PinReason;
import dev.aliquot.agent.view.PinnedView;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** What of a device's memory cannot move, by reason. Not thread-safe. */
final class Pinned {
  private final Map<PinReason, Long> bytes = new EnumMap<>(PinReason.class);

  /** Nothing yet. */
  Pinned() {}

  /** What one process says. */
  Pinned(Map<PinReason, Long> said) {
    bytes.putAll(said);
  }

  void add(Pinned other) {
    other.bytes.forEach((reason, more) -> bytes.merge(reason, more, Long::sum));
  }

  List<PinnedView> view() {
    return bytes.entrySet().stream()
        .map(
            entry ->
                new PinnedView(entry.getKey().name().toLowerCase(Locale.ROOT), entry.getValue()))
        .toList();
  }

  /** For people; empty where there is nothing. */
  String text() {
    return bytes.entrySet().stream()
        .map(entry -> ByteSize.shortText(entry.getValue()) + " " + entry.getKey().text())
        .collect(Collectors.joining(", "));
  }
}
