package dev.aliquot.ledger;

import java.util.Random;

/**
 * One step of a history, made out of one number so that histories can be shortened: what is done,
 * to which tenant's process, on which device, and the chance that everything else about it hangs
 * on.
 */
record Step(int code) {
  /** What is done, as often as it stands here. */
  private static final Operation[] OPERATIONS = {
    Operation.PROCESS_COMES_OR_GOES,
    Operation.PROCESS_COMES_OR_GOES,
    Operation.ASK,
    Operation.ASK,
    Operation.ASK,
    Operation.ASK,
    Operation.ASK,
    Operation.READING,
    Operation.READING,
    Operation.PROMOTE,
    Operation.RECLAIM,
    Operation.CANNOT_GIVE_BACK,
    Operation.LOOK_AT_DEMANDS,
    Operation.FORGIVE,
    Operation.LEAVE,
    Operation.RESUME,
    Operation.RETURNS_BY_ITSELF,
    Operation.SINK,
    Operation.SINK,
    Operation.RESIZE,
    Operation.OVERHEAD,
    Operation.STRANGER,
    Operation.TENANT_COMES,
    Operation.TENANT_GOES,
  };

  enum Operation {
    PROCESS_COMES_OR_GOES,
    ASK,
    READING,
    PROMOTE,
    RECLAIM,
    CANNOT_GIVE_BACK,
    LOOK_AT_DEMANDS,
    FORGIVE,
    LEAVE,
    RESUME,
    RETURNS_BY_ITSELF,
    SINK,
    RESIZE,
    OVERHEAD,
    STRANGER,
    TENANT_COMES,
    TENANT_GOES
  }

  Operation operation() {
    return OPERATIONS[(code & 0xff) % OPERATIONS.length];
  }

  int tenant() {
    return (code >> 8 & 0xff) % ModelNode.MOST_TENANTS;
  }

  int slot() {
    return (code >> 16 & 0xff) % ModelHolding.SLOTS;
  }

  int device(int devices) {
    return (code >> 24 & 0x7f) % devices;
  }

  Random random() {
    return new Random(code * 0x9E3779B97F4A7C15L);
  }

  String text(int devices) {
    String device = " on device " + device(devices);
    return switch (operation()) {
      case PROCESS_COMES_OR_GOES -> operation() + " t" + tenant() + "." + slot();
      case ASK, CANNOT_GIVE_BACK, LEAVE, RESUME, RETURNS_BY_ITSELF, SINK ->
          operation() + " t" + tenant() + "." + slot() + device;
      case OVERHEAD, TENANT_COMES -> operation() + " t" + tenant() + device;
      case RESIZE, TENANT_GOES -> operation() + " t" + tenant();
      case READING, PROMOTE, RECLAIM, LOOK_AT_DEMANDS, FORGIVE, STRANGER -> operation() + device;
    };
  }
}
