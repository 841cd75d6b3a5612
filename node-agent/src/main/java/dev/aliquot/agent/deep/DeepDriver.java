package dev.aliquot.agent.deep;

import dev.aliquot.agent.process.MemoryRoom;
import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.process.ProcessId;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has the driver's steps done, on threads of its own: a process that comes back never waits for one
 * that goes, and no tenant's for another's. Thread-safe. A step that hangs in the driver keeps its
 * thread, and its tenant's other steps.
 */
public final class DeepDriver implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DeepDriver.class);
  private static final int DIVERS = 2;
  private static final int RISERS = 4;
  private static final int MOST_WAITING = 64;
  private static final long STOP_SECONDS = 5;

  private final Steps steps;
  private final CopyRoom copies;
  private final Duration lockTimeout;
  private final Lanes divers;
  private final Lanes risers;

  /**
   * @param cudaLibrary the driver, opened when it is first needed
   * @param memory for what the driver copies
   * @param lockTimeout how long the work of a process on its devices may take to end
   */
  public DeepDriver(Path cudaLibrary, ProcFs proc, MemoryRoom memory, Duration lockTimeout) {
    this(
        new Steps(new CudaCheckpoints(cudaLibrary), proc::isAlive),
        new CopyRoom(memory::bytes),
        lockTimeout,
        MOST_WAITING);
  }

  DeepDriver(Steps steps, CopyRoom copies, Duration lockTimeout, int mostWaiting) {
    this.steps = steps;
    this.copies = copies;
    this.lockTimeout = lockTimeout;
    this.divers = new Lanes("aliquot-dive", DIVERS, mostWaiting);
    // no more than there are processes that have gone before
    this.risers = new Lanes("aliquot-rise", RISERS, Integer.MAX_VALUE);
  }

  /**
   * Takes a process off its devices; where too many wait for that already, or its memory cannot
   * take what it holds there, it stays.
   */
  public CompletableFuture<Dive> dive(String tenant, ProcessId id, long copyBytes) {
    return divers.run(
        tenant,
        () -> diveWithin(id, copyBytes),
        new Dive.StaysHot("too many processes are on their way off their devices"));
  }

  private Dive diveWithin(ProcessId id, long copyBytes) {
    String why = copies.begin(id.pid(), copyBytes);
    if (why != null) {
      return steps.isGone(id) ? new Dive.Gone() : new Dive.StaysHot(why);
    }
    try {
      return steps.dive(id, lockTimeout);
    } finally {
      copies.end(copyBytes);
    }
  }

  /** Where a process stands that an earlier agent had begun with. */
  public CompletableFuture<Dive> look(String tenant, ProcessId id) {
    return risers.run(tenant, () -> steps.look(id), new Dive.StaysHot("the agent is stopping"));
  }

  /** Brings a process back, for which there has to be room. */
  public CompletableFuture<Rise> rise(String tenant, ProcessId id) {
    return risers.run(tenant, () -> steps.rise(id), new Rise.StaysDeep("the agent is stopping"));
  }

  /** Waits a moment for steps under way: what has not begun by then is for the next agent. */
  @Override
  public void close() {
    divers.close();
    risers.close();
    try {
      boolean done = divers.isOver(STOP_SECONDS);
      done &= risers.isOver(STOP_SECONDS);
      if (!done) {
        LOG.warn("a checkpoint or restore is still under way: the driver does not answer");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
