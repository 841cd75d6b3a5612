package dev.aliquot.agent.page;

import static dev.aliquot.agent.page.PageLayout.contexts;
import static dev.aliquot.agent.page.PageLayout.controlDevice;
import static dev.aliquot.agent.page.PageLayout.covered;
import static dev.aliquot.agent.page.PageLayout.credit;
import static dev.aliquot.agent.page.PageLayout.resident;
import static dev.aliquot.agent.page.PageLayout.slot;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;

/**
 * What the agent tells a tenant's processes. Written by the agent only; each field at a time is
 * thread-safe.
 */
public final class ControlPage implements AutoCloseable {

  /** Whether the tenant may hold anything new. */
  public enum State {
    STARTING(0),
    READY(1),
    CLOSED(2);

    private final int code;

    State(int code) {
      this.code = code;
    }
  }

  /**
   * A process in a slot.
   *
   * @param hostPid in the agent's pid namespace
   * @param tenantPid in the process's own
   * @param startTime field 22 of /proc/&lt;pid&gt;/stat
   * @param generation odd
   */
  public record Occupant(int hostPid, int tenantPid, long startTime, long generation) {}

  /** No demand: everything may stay resident. */
  public static final long RESIDENT_ALL = PageLayout.RESIDENT_ALL;

  /** With the slots of as many processes as most tenants have at most. */
  private static final int HEAD_BYTES = (int) PageLayout.slot(24);

  private static final long MIB = 1L << 20;

  private final SharedFile file;

  private ControlPage(SharedFile file) {
    this.file = file;
  }

  /** Makes the page in state STARTING. */
  public static ControlPage create(Path path) throws IOException {
    SharedFile.make(path, PageLayout.CONTROL_PAGE_BYTES);
    SharedFile file = SharedFile.open(path, HEAD_BYTES, PageLayout.CONTROL_PAGE_BYTES);
    file.u32(PageLayout.MAGIC, PageLayout.CONTROL_MAGIC);
    file.u32(PageLayout.VERSION, PageLayout.PROTOCOL_VERSION);
    return new ControlPage(file);
  }

  /**
   * Maps a page that an earlier agent made.
   *
   * @throws IOException when it is not one
   */
  public static ControlPage open(Path path) throws IOException {
    SharedFile file = SharedFile.open(path, HEAD_BYTES, PageLayout.CONTROL_PAGE_BYTES);
    if (file.u32(PageLayout.MAGIC) != PageLayout.CONTROL_MAGIC
        || file.u32(PageLayout.VERSION) != PageLayout.PROTOCOL_VERSION) {
      file.close();
      throw new IOException(path + " is no control page of version " + PageLayout.PROTOCOL_VERSION);
    }
    return new ControlPage(file);
  }

  public void state(State state) {
    file.u32(PageLayout.STATE, state.code);
  }

  public State state() {
    int code = file.u32(PageLayout.STATE);
    return code == State.READY.code
        ? State.READY
        : code == State.CLOSED.code ? State.CLOSED : State.STARTING;
  }

  /** What the library needs to know about this agent. */
  public void agent(long epoch, Duration agentWait, Path cudaLibrary, Path nvmlLibrary) {
    textUnlessThere(PageLayout.CUDA_LIBRARY, PageLayout.PATH_BYTES, cudaLibrary.toString());
    textUnlessThere(PageLayout.NVML_LIBRARY, PageLayout.PATH_BYTES, nvmlLibrary.toString());
    file.u32(PageLayout.AGENT_WAIT_MS, (int) Math.min(agentWait.toMillis(), Integer.MAX_VALUE));
    file.u64(PageLayout.AGENT_EPOCH, epoch);
  }

  /** A process that starts just now must not read a text that is being written again. */
  private void textUnlessThere(long offset, int fieldBytes, String text) {
    if (!file.text(offset, fieldBytes).equals(text)) {
      file.text(offset, fieldBytes, text);
    }
  }

  public void tenant(String name) {
    file.text(PageLayout.TENANT, PageLayout.NAME_BYTES, name);
  }

  /** A sign of life: CLOCK_MONOTONIC in nanoseconds. */
  public void heartbeat(long monotonicNanos) {
    file.u64(PageLayout.HEARTBEAT_NS, monotonicNanos);
  }

  public void deviceCount(int count) {
    file.u32(PageLayout.DEVICE_COUNT, count);
  }

  public void device(int device, String uuid, long requestBytes, long limitBytes) {
    long at = controlDevice(device);
    textUnlessThere(at + PageLayout.DEVICE_UUID, PageLayout.UUID_BYTES, uuid);
    file.u64(at + PageLayout.DEVICE_REQUEST, requestBytes);
    file.u64(at + PageLayout.DEVICE_LIMIT, limitBytes);
  }

  /**
   * The overhead of all processes, and the part of it that is of processes without a slot; in the
   * page the two stand apart.
   */
  public void overhead(int device, long overheadBytes, long otherBytes) {
    file.u64(controlDevice(device) + PageLayout.DEVICE_OTHER_USED, otherBytes);
    file.u64(controlDevice(device) + PageLayout.DEVICE_OVERHEAD, overheadBytes - otherBytes);
  }

  /** All of the overhead. */
  public long overheadBytes(int device) {
    return file.u64(controlDevice(device) + PageLayout.DEVICE_OVERHEAD)
        + file.u64(controlDevice(device) + PageLayout.DEVICE_OTHER_USED);
  }

  public void contextEstimate(int device, long bytes) {
    file.u64(controlDevice(device) + PageLayout.DEVICE_CONTEXT_ESTIMATE, bytes);
  }

  public long contextEstimateBytes(int device) {
    return file.u64(controlDevice(device) + PageLayout.DEVICE_CONTEXT_ESTIMATE);
  }

  /** Gives a free slot to a process; its credits are zero. The new generation is returned. */
  public long take(int slot, int hostPid, int tenantPid, long startTime) {
    long at = slot(slot);
    long generation = (file.u64(at + PageLayout.SLOT_GENERATION) | 1) + 2;
    file.zero(at + PageLayout.SLOT_CREDIT, (long) PageLayout.MAX_DEVICES * Long.BYTES);
    file.zero(at + PageLayout.SLOT_COVERED, (long) PageLayout.MAX_DEVICES * Long.BYTES);
    for (int device = 0; device < PageLayout.MAX_DEVICES; device++) {
      residentBytes(slot, device, RESIDENT_ALL);
    }
    file.u64(at + PageLayout.SLOT_HOST_BYTES, 0);
    file.u32(at + PageLayout.SLOT_AWAY, 0);
    file.u32(at + PageLayout.SLOT_DEEP, 0);
    file.zero(at + PageLayout.SLOT_CONTEXTS, (long) PageLayout.MAX_DEVICES * Integer.BYTES);
    file.u32(at + PageLayout.SLOT_TENANT_PID, tenantPid);
    file.u64(at + PageLayout.SLOT_START_TIME, startTime);
    file.u64(at + PageLayout.SLOT_GENERATION, generation);
    file.u32(at + PageLayout.SLOT_HOST_PID, hostPid);
    return generation;
  }

  /** Takes a slot back. */
  public void free(int slot) {
    long at = slot(slot);
    file.u32(at + PageLayout.SLOT_HOST_PID, 0);
    file.zero(at + PageLayout.SLOT_CREDIT, (long) PageLayout.MAX_DEVICES * Long.BYTES);
    file.zero(at + PageLayout.SLOT_COVERED, (long) PageLayout.MAX_DEVICES * Long.BYTES);
    file.u64(at + PageLayout.SLOT_GENERATION, (file.u64(at + PageLayout.SLOT_GENERATION) | 1) + 1);
    file.u32(at + PageLayout.SLOT_TENANT_PID, 0);
    file.u64(at + PageLayout.SLOT_START_TIME, 0);
  }

  /** Who is in the slot; hostPid 0: nobody. */
  public Occupant occupant(int slot) {
    long at = slot(slot);
    return new Occupant(
        file.u32(at + PageLayout.SLOT_HOST_PID),
        file.u32(at + PageLayout.SLOT_TENANT_PID),
        file.u64(at + PageLayout.SLOT_START_TIME),
        file.u64(at + PageLayout.SLOT_GENERATION));
  }

  /** From now on memory has to be movable: the tenant may borrow. */
  public void movable(int device) {
    flag(device, PageLayout.DEVICE_MOVABLE);
  }

  /** Processes may be told to leave the device, whatever they hold there: they listen for that. */
  public void leaves(int device) {
    flag(device, PageLayout.DEVICE_LEAVES);
  }

  /** From now on every process counts what it submits, at its next look. */
  public void counts(int device) {
    flag(device, PageLayout.DEVICE_COUNTS);
  }

  private void flag(int device, long flag) {
    long at = controlDevice(device) + PageLayout.DEVICE_FLAGS;
    file.u64(at, file.u64(at) | flag);
  }

  /**
   * The most of used that may stay on the device, {@link #RESIDENT_ALL} for no demand. The process
   * acts on it when it is woken.
   */
  public void residentBytes(int slot, int device, long bytes) {
    file.u64(resident(slot, device), bytes);
  }

  public long residentBytes(int slot, int device) {
    return file.u64(resident(slot, device));
  }

  /**
   * The most that the process can hold: its credit, or more while it gives back; what it held when
   * the driver took that off the device, until it is back. For the next agent, which has nothing
   * else to hold the process's report against.
   */
  public void coveredBytes(int slot, int device, long bytes) {
    file.u64(covered(slot, device), bytes);
  }

  public long coveredBytes(int slot, int device) {
    return file.u64(covered(slot, device));
  }

  /** Whether the process is to be off the device; off any, it stays at rest. */
  public boolean isAway(int slot, int device) {
    return (file.u32(slot(slot) + PageLayout.SLOT_AWAY) & 1 << device) != 0;
  }

  /** Sets or clears a device's bit. The process acts on it when it is woken. */
  public void away(int slot, int device, boolean away) {
    file.bits(slot(slot) + PageLayout.SLOT_AWAY, 1 << device, away);
  }

  /**
   * Whether a parked process is to let go of what it has imported, so that its contexts can leave
   * the devices, too. It acts on it when it is woken, and calls no driver until it is taken back.
   */
  public void deep(int slot, boolean deep) {
    file.u32(slot(slot) + PageLayout.SLOT_DEEP, deep ? 1 : 0);
  }

  public boolean isDeep(int slot) {
    return file.u32(slot(slot) + PageLayout.SLOT_DEEP) != 0;
  }

  /**
   * What the contexts of a process take of a device when they come back, for the next agent, whose
   * readings do not show it. Rounded up to MiB.
   */
  public void contextBytes(int slot, int device, long bytes) {
    file.u32(contexts(slot, device), (int) Math.min(Math.ceilDiv(bytes, MIB), Integer.MAX_VALUE));
  }

  public long contextBytes(int slot, int device) {
    return Integer.toUnsignedLong(file.u32(contexts(slot, device))) * MIB;
  }

  /** Has the process in the slot look at what it may keep resident. */
  public void wake(int slot) {
    file.wake(slot(slot) + PageLayout.SLOT_WAKE);
  }

  /** Has it bring its report up to date; nothing that it is to look at has changed. */
  public void nudge(int slot) {
    file.nudge(slot(slot) + PageLayout.SLOT_WAKE);
  }

  /** What {@link #wake} has changed. */
  public int wakeWord(int slot) {
    return file.u32(slot(slot) + PageLayout.SLOT_WAKE);
  }

  /** Host chunks that the process has in its hands. */
  public void hostBytes(int slot, long bytes) {
    file.u64(slot(slot) + PageLayout.SLOT_HOST_BYTES, bytes);
  }

  public long hostBytes(int slot) {
    return file.u64(slot(slot) + PageLayout.SLOT_HOST_BYTES);
  }

  public void creditBytes(int slot, int device, long bytes) {
    file.u64(credit(slot, device), bytes);
  }

  public long creditBytes(int slot, int device) {
    return file.u64(credit(slot, device));
  }

  @Override
  public void close() {
    file.close();
  }
}
