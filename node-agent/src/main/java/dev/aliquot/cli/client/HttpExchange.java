package dev.aliquot.cli.client;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.SocketAddress;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * One HTTP/1.1 request over a connection of its own, closed before the answer is returned: {@code
 * run} must leave no descriptor open. Kept this small because a command's start-up time is its
 * user's.
 *
 * @param status of the answer
 * @param body of the answer
 */
@SuppressWarnings("ArrayRecordComponent")
record HttpExchange(int status, byte[] body) {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final int MOST_BYTES = 16 * 1024 * 1024;
  private static final byte[] HEADER_END = "\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

  static HttpExchange ask(SocketAddress address, String method, String path, byte[] body)
      throws IOException {
    try (SocketChannel socket =
        address instanceof UnixDomainSocketAddress
            ? SocketChannel.open(StandardProtocolFamily.UNIX)
            : SocketChannel.open()) {
      Thread watchdog = Thread.ofPlatform().daemon().unstarted(() -> closeLater(socket));
      watchdog.start();
      try {
        socket.connect(address);
        write(socket, method, path, body);
        return parse(readAll(socket));
      } catch (AsynchronousCloseException e) {
        throw new SocketTimeoutException("no answer within " + PATIENCE.toSeconds() + " s");
      } finally {
        watchdog.interrupt();
      }
    }
  }

  /** A blocking channel has no time-out of its own; closing it ends whatever waits on it. */
  private static void closeLater(SocketChannel socket) {
    try {
      Thread.sleep(PATIENCE);
      socket.close();
    } catch (InterruptedException answered) {
      return;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void write(SocketChannel socket, String method, String path, byte[] body)
      throws IOException {
    String head =
        method
            + " "
            + path
            + " HTTP/1.1\r\nhost: aliquot\r\nconnection: close\r\ncontent-length: "
            + body.length
            + "\r\n\r\n";
    ByteBuffer[] parts = {
      ByteBuffer.wrap(head.getBytes(StandardCharsets.UTF_8)), ByteBuffer.wrap(body)
    };
    while (parts[0].hasRemaining() || parts[1].hasRemaining()) {
      socket.write(parts);
    }
  }

  private static byte[] readAll(SocketChannel socket) throws IOException {
    ByteArrayOutputStream answer = new ByteArrayOutputStream();
    ByteBuffer buffer = ByteBuffer.allocate(16 * 1024);
    while (socket.read(buffer) >= 0) {
      answer.write(buffer.array(), 0, buffer.position());
      buffer.clear();
      if (answer.size() > MOST_BYTES) {
        throw new IOException("the answer is larger than 16 MiB");
      }
    }
    return answer.toByteArray();
  }

  private static HttpExchange parse(byte[] answer) throws IOException {
    int end = headerEnd(answer);
    String head = new String(answer, 0, Math.max(end, 0), StandardCharsets.US_ASCII);
    if (end < 0 || !head.matches("(?s)HTTP/1\\.[01] [0-9]{3}.*")) {
      throw new IOException("the answer is not HTTP");
    }
    int from = end + HEADER_END.length;
    byte[] body = java.util.Arrays.copyOfRange(answer, from, answer.length);
    return new HttpExchange(Integer.parseInt(head.substring(9, 12)), body);
  }

  private static int headerEnd(byte[] answer) {
    for (int at = 0; at + HEADER_END.length <= answer.length; at++) {
      if (java.util.Arrays.equals(
          answer, at, at + HEADER_END.length, HEADER_END, 0, HEADER_END.length)) {
        return at;
      }
    }
    return -1;
  }
}
