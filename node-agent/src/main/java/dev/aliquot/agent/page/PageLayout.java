package dev.aliquot.agent.page;

import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Names and numbers of protocol.h. A test compares each with what the C compiler makes of that
 * file.
 */
public final class PageLayout {
  public static final int PROTOCOL_VERSION = 1;
  public static final int MAX_DEVICES = 16;
  public static final int MAX_SLOTS = 512;
  public static final int UUID_BYTES = 48;
  public static final int PATH_BYTES = 256;
  public static final int NAME_BYTES = 64;

  public static final int CONTROL_MAGIC = 0x43514c41;
  public static final int USAGE_MAGIC = 0x55514c41;
  public static final int CONTROL_PAGE_BYTES = 266240;
  public static final int USAGE_PAGE_BYTES = 266240;

  static final long MAGIC = 0;
  static final long VERSION = 4;
  static final long STATE = 8;
  static final long DEVICE_COUNT = 12;
  static final long HEARTBEAT_NS = 16;
  static final long GATE = 24;
  static final long AGENT_WAIT_MS = 28;
  static final long AGENT_EPOCH = 32;
  static final long TENANT = 64;
  static final long CUDA_LIBRARY = 128;
  static final long NVML_LIBRARY = 384;

  static final long CONTROL_DEVICES = 2048;
  static final long CONTROL_DEVICE_BYTES = 128;
  static final long DEVICE_UUID = 0;
  static final long DEVICE_REQUEST = 48;
  static final long DEVICE_LIMIT = 56;
  static final long DEVICE_OVERHEAD = 64;
  static final long DEVICE_CONTEXT_ESTIMATE = 72;
  static final long DEVICE_OTHER_USED = 80;
  static final long DEVICE_FLAGS = 88;
  static final long DEVICE_MOVABLE = 1;
  static final long DEVICE_LEAVES = 2;
  static final long DEVICE_COUNTS = 4;

  static final long SLOTS = 4096;
  static final long SLOT_BYTES = 512;
  static final long SLOT_HOST_PID = 0;
  static final long SLOT_TENANT_PID = 4;
  static final long SLOT_START_TIME = 8;
  static final long SLOT_GENERATION = 16;
  static final long SLOT_WAKE = 24;
  static final long SLOT_AWAY = 28;
  static final long SLOT_HOST_BYTES = 32;
  static final long SLOT_DEEP = 40;
  static final long SLOT_CREDIT = 64;
  static final long SLOT_RESIDENT = 192;
  static final long RESIDENT_ALL = -1;
  static final long SLOT_COVERED = 320;

  /** Read by the agent's successor alone: 32 bits for each device, in reserved bytes. */
  static final long SLOT_CONTEXTS = 448;

  static final long USAGE_GENERATION = 0;
  static final long USAGE_STATE = 8;
  static final long USAGE_PARKED = 12;
  static final long USAGE_REFUSALS = 16;
  static final long USAGE_CHANGES = 24;
  static final long USAGE_IN_FLIGHT = 32;
  static final long USAGE_SUBMISSIONS = 40;
  static final long USAGE_USED = 64;
  static final long USAGE_DEMOTED = 192;
  static final long USAGE_MOVABLE = 320;
  static final long USAGE_PINS = 448;
  static final int PIN_WORDS = 8;
  static final long PIN_BYTES_MASK = (1L << 48) - 1;
  static final int PIN_DEVICE_SHIFT = 48;
  static final int PIN_REASON_SHIFT = 56;

  static final int STATE_ATTACHED = 1;
  static final int PARKED = 1;
  static final int PARKED_BARE = 2;

  /**
   * Access to the fields: volatile, which in Java is sequentially consistent, as the credit
   * algorithm needs.
   */
  static final VarHandle U32 = ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();

  static final VarHandle U64 = ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();

  private PageLayout() {}

  static long controlDevice(int device) {
    return CONTROL_DEVICES + checked(device, MAX_DEVICES) * CONTROL_DEVICE_BYTES;
  }

  static long slot(int slot) {
    return SLOTS + checked(slot, MAX_SLOTS) * SLOT_BYTES;
  }

  static long credit(int slot, int device) {
    return slot(slot) + SLOT_CREDIT + checked(device, MAX_DEVICES) * Long.BYTES;
  }

  static long resident(int slot, int device) {
    return slot(slot) + SLOT_RESIDENT + checked(device, MAX_DEVICES) * Long.BYTES;
  }

  static long covered(int slot, int device) {
    return slot(slot) + SLOT_COVERED + checked(device, MAX_DEVICES) * Long.BYTES;
  }

  static long used(int slot, int device) {
    return slot(slot) + USAGE_USED + checked(device, MAX_DEVICES) * Long.BYTES;
  }

  static long contexts(int slot, int device) {
    return slot(slot) + SLOT_CONTEXTS + checked(device, MAX_DEVICES) * Integer.BYTES;
  }

  private static long checked(int index, int bound) {
    if (index < 0 || index >= bound) {
      throw new IndexOutOfBoundsException("index " + index + " of " + bound);
    }
    return index;
  }
}
