package dev.aliquot.agent.health;

import dev.aliquot.agent.kmsg.LogPosition;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/** Writes what outlives the agent, when it is due. For one thread at a time. */
final class Saving {
  private static final Duration DEVICES = Duration.ofSeconds(1);

  /** What only programs have done is written less often: a tenant can make a fault at any time. */
  private static final Duration PROGRAMS = Duration.ofSeconds(10);

  private final HealthFile file;
  private final FaultDesk desk;
  private final FaultHistory history;
  private final Degradations degradations;
  private LogPosition saved;
  private FaultDesk.Changed unsaved;
  private long lastSave = System.nanoTime() - PROGRAMS.toNanos();

  /**
   * @param earlier what the file holds
   */
  Saving(
      HealthFile file,
      Optional<HealthFile.Content> earlier,
      FaultDesk desk,
      FaultHistory history,
      Degradations degradations) {
    this.file = file;
    this.desk = desk;
    this.history = history;
    this.degradations = degradations;
    this.saved = earlier.map(HealthFile.Content::position).orElse(LogPosition.BEGINNING);
    this.unsaved = earlier.isEmpty() ? FaultDesk.Changed.DEVICES : FaultDesk.Changed.NOTHING;
  }

  /** Where the kernel log had been read to when it was last written. */
  LogPosition position() {
    return saved;
  }

  /**
   * Writes what is due. The position is from before what is written: killed in between, the agent
   * reads and tells it again.
   *
   * @param last whether everything is due
   */
  void save(LogPosition position, boolean last) {
    FaultDesk.Changed changed = desk.takeChanged();
    unsaved = unsaved.compareTo(changed) > 0 ? unsaved : changed;
    boolean due =
        switch (unsaved) {
          case NOTHING -> last && !position.equals(saved);
          case PROGRAMS -> last || isOver(PROGRAMS);
          case DEVICES -> last || isOver(DEVICES);
        };
    if (!due) {
      return;
    }
    lastSave = System.nanoTime();
    try {
      file.save(position, desk.nextFault(), history.all(), desk.kept());
      saved = position;
      unsaved = FaultDesk.Changed.NOTHING;
      degradations.end(Degradations.What.HEALTH_FILE);
    } catch (IOException e) {
      degradations.begin(
          Degradations.What.HEALTH_FILE,
          "faults cannot be kept over a restart of the agent: " + e.getMessage());
    }
  }

  private boolean isOver(Duration sinceLastSave) {
    return System.nanoTime() - lastSave >= sinceLastSave.toNanos();
  }
}
