package dev.aliquot.agent.wire;

/**
 * Numbers of a frame, as protocol.h has them. A test compares them with what the C compiler makes
 * of that file.
 */
public final class FrameFormat {
  public static final int MAGIC = 0x46514c41;
  public static final int VERSION = 1;
  public static final int HEADER_BYTES = 16;
  public static final int MAX_PAYLOAD_BYTES = 4096;

  public static final int HELLO = 1;
  public static final int WELCOME = 2;
  public static final int ASK = 3;
  public static final int GRANTED = 4;
  public static final int SETTLE = 5;
  public static final int BYE = 6;
  public static final int TAKE_CHUNK = 7;
  public static final int CHUNK = 8;
  public static final int RETURN_CHUNK = 9;
  public static final int MOVED = 10;
  public static final int RESUME = 11;
  public static final int REOPEN_CHUNK = 12;
  public static final int SHARE = 13;
  public static final int UNSHARE = 14;
  public static final int REFUSED = 15;
  public static final int OPEN_SHARE = 16;
  public static final int SHARED = 17;

  public static final int HELLO_BYTES = 8;
  public static final int WELCOME_BYTES = 16;
  public static final int ASK_BYTES = 24;
  public static final int GRANTED_BYTES = 8;
  public static final int SETTLE_BYTES = 16;
  public static final int BYE_BYTES = 16;
  public static final int TAKE_CHUNK_BYTES = 24;
  public static final int CHUNK_BYTES = 16;
  public static final int RETURN_CHUNK_BYTES = 24;
  public static final int MOVED_BYTES = 48;
  public static final int RESUME_BYTES = 16;
  public static final int REOPEN_CHUNK_BYTES = 24;
  public static final int SHARE_BYTES = 40;
  public static final int UNSHARE_BYTES = 24;
  public static final int OPEN_SHARE_BYTES = 24;
  public static final int SHARED_BYTES = 24;
  public static final int REFUSED_BYTES = 200;
  public static final int REASON_BYTES = 192;

  private FrameFormat() {}
}
