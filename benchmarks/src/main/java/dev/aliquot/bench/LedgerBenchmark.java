package dev.aliquot.bench;

import dev.aliquot.ledger.AskResult;
import dev.aliquot.ledger.DeviceBook;
import dev.aliquot.ledger.Share;
import dev.aliquot.ledger.SlotPort;
import dev.aliquot.ledger.TenantBook;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** An ask that has to take credit back from siblings, by number of processes of the tenant. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class LedgerBenchmark {

  private static final long LIMIT_BYTES = 16L << 30;

  @Param({"1", "8", "64"})
  int processes;

  private TenantBook book = book();
  private int next;

  /** Pages out of plain memory. */
  private static final class Memory implements SlotPort {
    private final long[] creditBytes = new long[512];

    @Override
    public long usedBytes(int slot) {
      return 0;
    }

    @Override
    public long changes(int slot) {
      return 0;
    }

    @Override
    public long movableBytes(int slot) {
      return 0;
    }

    @Override
    public long demotedBytes(int slot) {
      return 0;
    }

    @Override
    public void writeCovered(int slot, long bytes) {
      creditBytes[slot] = bytes;
    }

    @Override
    public void writeResident(int slot, long bytes) {
      creditBytes[slot] = bytes;
    }

    @Override
    public int wake(int slot) {
      return 0;
    }

    @Override
    public long hostBytes(int slot) {
      return 0;
    }

    @Override
    public void writeAway(int slot, boolean away) {}

    @Override
    public boolean isParked(int slot) {
      return false;
    }

    @Override
    public void writeCredit(int slot, long bytes) {
      creditBytes[slot] = bytes;
    }
  }

  private static TenantBook book() {
    DeviceBook device = new DeviceBook("GPU-1", LIMIT_BYTES);
    device.admit("tenant", Share.fixed(LIMIT_BYTES));
    return device.open("tenant", new Memory());
  }

  @Setup
  public void attach() {
    book = book();
    for (int slot = 0; slot < processes; slot++) {
      book.attach(slot);
    }
    book.beginReading();
    book.endReading(0);
  }

  /**
   * Every process in turn wants nearly everything: credit is taken from all others, a reading of
   * ground truth frees it, and the second ask is granted.
   */
  @Benchmark
  public AskResult ask() {
    next = (next + 1) % processes;
    AskResult first = book.ask(next, LIMIT_BYTES - (1 << 20));
    if (first instanceof AskResult.Granted) {
      return first;
    }
    book.beginReading();
    book.endReading(0);
    AskResult second = book.ask(next, LIMIT_BYTES - (1 << 20));
    if (!(second instanceof AskResult.Granted)) {
      throw new IllegalStateException("refused: " + second);
    }
    return second;
  }
}
