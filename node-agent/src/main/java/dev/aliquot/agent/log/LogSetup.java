package dev.aliquot.agent.log;

import dev.aliquot.agent.config.LogFormat;
import dev.aliquot.agent.config.LogLevel;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.StreamHandler;

/**
 * Puts one handler on the root logger. Called once, before anything logs; lines are written whole
 * and at once.
 */
public final class LogSetup {
  /**
   * Libraries whose everyday messages are of no use to an operator, held strongly so that their
   * levels stay.
   */
  private static final List<Logger> QUIET = new ArrayList<>();

  private LogSetup() {}

  /** Logs to {@code stderr}; {@code terminal} decides what {@link LogFormat#AUTO} means. */
  public static void configure(
      LogLevel level, LogFormat format, boolean terminal, PrintStream stderr) {
    LogManager.getLogManager().reset();
    boolean text = format == LogFormat.TEXT || (format == LogFormat.AUTO && terminal);
    Logger root = Logger.getLogger("");
    root.setLevel(Levels.jul(level));
    root.addHandler(handler(stderr, text ? new TextFormatter() : new JsonFormatter()));
    QUIET.clear();
    if (level != LogLevel.TRACE) {
      Logger netty = Logger.getLogger("io.netty");
      netty.setLevel(Level.WARNING);
      QUIET.add(netty);
    }
  }

  private static Handler handler(OutputStream out, Formatter formatter) {
    Handler handler =
        new StreamHandler(out, formatter) {
          @Override
          public synchronized void publish(LogRecord entry) {
            super.publish(entry);
            flush();
          }

          @Override
          public synchronized void close() {
            flush();
          }
        };
    handler.setLevel(Level.ALL);
    return handler;
  }
}
