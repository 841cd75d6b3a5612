package dev.aliquot.agent.tenant;

/** Where the contexts of a process are. */
enum Depth {
  /** On its devices, wherever its data is. */
  HOT,
  /** It has been told to let go of what it has imported, so that they can leave. */
  GOING,
  /** It has, and the driver is taking them off. */
  DIVING,
  /** Off its devices. */
  DEEP,
  /** There is room for them, and the driver is bringing them back. */
  RISING,
  /** The driver did not let the process go on; it is seldom asked again. */
  LOST
}
