package dev.aliquot.cli.screen;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The terminal while a picture is redrawn in place: another screen, no cursor, keys read at once.
 * Everything is put back by {@link #close}, also when the program is ended by a signal. One at a
 * time.
 */
public final class Terminal implements AutoCloseable {
  private static final String ENTER = "\u001b[?1049h\u001b[?25l";
  private static final String LEAVE = "\u001b[?25h\u001b[?1049l";
  private static final int DEFAULT_COLUMNS = 100;
  private static final int DEFAULT_LINES = 40;

  private final PrintStream out;
  private final String settings;
  private final InputStream keys;
  private final Thread restorer = new Thread(this::restore, "terminal-restorer");
  private boolean restored;

  private Terminal(PrintStream out, String settings, InputStream keys) {
    this.out = out;
    this.settings = settings;
    this.keys = keys;
  }

  /** Whether a standard stream (0, 1, 2) of this process is a terminal. */
  public static boolean isTerminal(int descriptor) {
    try {
      String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString();
      return target.startsWith("/dev/pts/")
          || target.startsWith("/dev/tty")
          || target.equals("/dev/console");
    } catch (IOException e) {
      return false;
    }
  }

  /** Whether a picture can be redrawn in place: stdout is a terminal that is not dumb. */
  public static boolean canRedraw(Map<String, String> environment) {
    String kind = environment.getOrDefault("TERM", "dumb");
    return isTerminal(1) && !kind.equals("dumb") && !kind.isEmpty();
  }

  /** Colours where stdout is a terminal that has them and the user has not said no (NO_COLOR). */
  public static Ansi colours(Map<String, String> environment) {
    return new Ansi(canRedraw(environment) && environment.getOrDefault("NO_COLOR", "").isEmpty());
  }

  /** Whether the terminal's encoding has block characters. */
  public static boolean hasUnicode(Map<String, String> environment) {
    for (String name : List.of("LC_ALL", "LC_CTYPE", "LANG")) {
      String value = environment.getOrDefault(name, "");
      if (!value.isEmpty()) {
        return value.toLowerCase(Locale.ROOT).replace("-", "").contains("utf8");
      }
    }
    return false;
  }

  /** Takes the terminal over; null where there is none to take. */
  public static @Nullable Terminal take() {
    String settings = stty("-g");
    if (settings == null || stty("-icanon", "-echo", "min", "0", "time", "0") == null) {
      return null;
    }
    try {
      Terminal terminal =
          new Terminal(utf8Out(), settings.strip(), new FileInputStream("/dev/tty"));
      Runtime.getRuntime().addShutdownHook(terminal.restorer);
      terminal.out.print(ENTER);
      terminal.out.flush();
      return terminal;
    } catch (IOException e) {
      stty(settings.strip());
      return null;
    }
  }

  /** Stdout, in UTF-8 whatever the locale says. */
  public static PrintStream utf8Out() {
    return new PrintStream(
        new java.io.FileOutputStream(java.io.FileDescriptor.out), false, StandardCharsets.UTF_8);
  }

  /** Columns and lines of the terminal. */
  public static int[] size() {
    String size = stty("size");
    if (size != null && size.strip().matches("[0-9]{1,4} [0-9]{1,4}")) {
      String[] parts = size.strip().split(" ", 2);
      int lines = Integer.parseInt(parts[0]);
      int columns = Integer.parseInt(parts[1]);
      if (lines > 0 && columns > 0) {
        return new int[] {columns, lines};
      }
    }
    return new int[] {DEFAULT_COLUMNS, DEFAULT_LINES};
  }

  /** Draws over what was drawn before. */
  public void draw(List<String> lines, int columns, int height) {
    StringBuilder picture = new StringBuilder("\u001b[H");
    for (String line : lines.subList(0, Math.min(lines.size(), height - 1))) {
      picture.append(Ansi.cut(line, columns)).append("\u001b[K\r\n");
    }
    out.print(picture.append("\u001b[J"));
    out.flush();
  }

  /** The next key pressed within the time; -1 for none. */
  public int key(long millis) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    do {
      try {
        int key = keys.read();
        if (key >= 0) {
          return key;
        }
      } catch (IOException e) {
        return -1;
      }
      Thread.sleep(50);
    } while (System.nanoTime() < end);
    return -1;
  }

  @Override
  public void close() {
    restore();
    try {
      Runtime.getRuntime().removeShutdownHook(restorer);
    } catch (IllegalStateException shuttingDown) {
      return;
    }
  }

  private synchronized void restore() {
    if (restored) {
      return;
    }
    restored = true;
    out.print(LEAVE);
    out.flush();
    stty(settings);
    try {
      keys.close();
    } catch (IOException nothingToKeep) {
      return;
    }
  }

  /** What stty says about the terminal, or null where it fails. */
  private static @Nullable String stty(String... arguments) {
    List<String> command = new java.util.ArrayList<>(List.of("stty", "-F", "/dev/tty"));
    command.addAll(List.of(arguments));
    try {
      Process stty = new ProcessBuilder(command).redirectErrorStream(true).start();
      String answer = new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
      return stty.waitFor() == 0 ? answer : null;
    } catch (IOException e) {
      return null;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return null;
    }
  }
}
