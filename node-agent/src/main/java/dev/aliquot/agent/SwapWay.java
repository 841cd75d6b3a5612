package dev.aliquot.agent;

/** Which way a tenant is to be moved by command. */
public enum SwapWay {
  /** Its data to host memory. */
  OUT,
  /** The same, and its contexts off the device. */
  OUT_DEEP,
  /** All of it back. */
  IN
}
