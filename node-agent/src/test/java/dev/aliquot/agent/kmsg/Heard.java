package dev.aliquot.agent.kmsg;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.Eventually;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;

/** Remembers all that it is told. */
class Heard implements LogListener {
  private final List<KernelRecord> records = new CopyOnWriteArrayList<>();
  private final List<Instant> times = new CopyOnWriteArrayList<>();
  private final AtomicLong lost = new AtomicLong();
  private final List<String> health = new CopyOnWriteArrayList<>();

  @Override
  public void record(KernelRecord record, Instant time) {
    records.add(record);
    times.add(time);
  }

  @Override
  public void lost(long count) {
    lost.addAndGet(count);
  }

  @Override
  public void degraded(String reason) {
    health.add(reason);
  }

  @Override
  public void restored() {
    health.add("restored");
  }

  List<String> texts() {
    return records.stream().map(KernelRecord::text).toList();
  }

  List<KernelRecord> records() {
    return List.copyOf(records);
  }

  List<Instant> times() {
    return List.copyOf(times);
  }

  long lost() {
    return lost.get();
  }

  /** The reasons, and "restored". */
  List<String> health() {
    return List.copyOf(health);
  }

  /** Waits until exactly these have come. */
  void await(String... texts) {
    Eventually.soon(() -> assertThat(texts()).containsExactly(texts));
  }
}
