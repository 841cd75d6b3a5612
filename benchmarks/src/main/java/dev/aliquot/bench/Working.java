package dev.aliquot.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A program that works until this is closed, and when it had done how much. A wrong word ends it.
 */
final class Working implements AutoCloseable {
  private static final long LOOK_MILLIS = 10;

  private record Sample(long nanos, long rounds) {}

  private final BenchProgram program;
  private final Thread thread;
  private final List<Sample> samples = new ArrayList<>();
  private volatile boolean ends;
  private @Nullable Exception failure;

  private Working(BenchProgram program) {
    this.program = program;
    this.thread = Thread.ofPlatform().daemon().name("bench-working").unstarted(this::watch);
  }

  /**
   * @param kernelMillis how long a round keeps the device busy
   */
  static Working begin(BenchProgram program, int kernelMillis) throws IOException, BenchException {
    program.must("work " + kernelMillis);
    Working working = new Working(program);
    working.add();
    working.thread.start();
    return working;
  }

  private void watch() {
    try {
      while (!ends) {
        add();
        Thread.sleep(LOOK_MILLIS);
      }
    } catch (IOException | BenchException | InterruptedException e) {
      synchronized (samples) {
        failure = e;
      }
    }
  }

  /** Waits while the program is not on the device. */
  private void add() throws IOException, BenchException {
    long rounds = program.rounds();
    synchronized (samples) {
      if (samples.isEmpty() || samples.getLast().rounds != rounds) {
        samples.add(new Sample(System.nanoTime(), rounds));
      }
    }
  }

  BenchProgram program() {
    return program;
  }

  /** How many rounds it had ended by then. */
  long rounds(long nanos) throws BenchException {
    synchronized (samples) {
      if (failure != null) {
        throw new BenchException(String.valueOf(failure.getMessage()), failure);
      }
      return samples.reversed().stream()
          .filter(sample -> sample.nanos - nanos <= 0)
          .findFirst()
          .orElse(samples.getFirst())
          .rounds;
    }
  }

  /** The last time, up to then, that a round was seen to have ended; then where none was. */
  long lastBefore(long nanos) {
    synchronized (samples) {
      return samples.reversed().stream()
          .mapToLong(Sample::nanos)
          .filter(each -> each - nanos <= 0)
          .findFirst()
          .orElse(nanos);
    }
  }

  /** The first time after then; then where none was. */
  long firstAfter(long nanos) {
    synchronized (samples) {
      return samples.stream()
          .mapToLong(Sample::nanos)
          .filter(each -> each - nanos > 0)
          .findFirst()
          .orElse(nanos);
    }
  }

  /** The longest that it had to stand still of what ended between the two times. */
  double longestWaitMillis(long fromNanos, long toNanos) {
    synchronized (samples) {
      long longest = 0;
      for (int i = 1; i < samples.size(); i++) {
        long begin = samples.get(i - 1).nanos;
        long end = samples.get(i).nanos;
        if (end - fromNanos > 0 && end - toNanos <= 0) {
          longest = Math.max(longest, end - begin);
        }
      }
      return longest / 1e6;
    }
  }

  /** Returns when it has had its turn, if it waits for one. */
  @Override
  public void close() throws IOException, BenchException {
    ends = true;
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BenchException("interrupted", e);
    }
    program.must("rest");
  }
}
