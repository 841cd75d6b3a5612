package dev.aliquot.agent.kmsg;

import dev.aliquot.agent.support.Talker;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Follows a log in a JVM of its own, with a small heap, and says a line about it. */
final class FollowerProcess {
  private FollowerProcess() {}

  /**
   * Says the reason when the log cannot be read, and when so many records have come how many of
   * them were not numbered like the one before and one.
   *
   * @param launcher what runs the program, or nothing
   */
  static Talker start(Path log, int records, String... launcher) {
    List<String> command = new ArrayList<>(List.of(launcher));
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xmx32m",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            FollowerProcess.class.getName(),
            log.toString(),
            Integer.toString(records)));
    return Talker.start(
        Map.of(), Path.of(command.getFirst()), command.stream().skip(1).toArray(String[]::new));
  }

  public static void main(String[] arguments) throws Exception {
    int records = Integer.parseInt(arguments[1]);
    LogListener counting =
        new LogListener() {
          private long read;
          private long last = -1;
          private long strays;

          @Override
          public void record(KernelRecord record, Instant time) {
            strays += record.sequence() == last + 1 ? 0 : 1;
            last = record.sequence();
            read++;
            if (read == records) {
              System.out.println(read + " records, " + strays + " out of order");
            }
          }

          @Override
          public void lost(long records) {
            System.out.println("lost " + records);
          }

          @Override
          public void degraded(String reason) {
            System.out.println(reason);
          }

          @Override
          public void restored() {
            System.out.println("restored");
          }
        };
    try (KernelLog _ =
        KernelLog.follow(
            Path.of(arguments[0]),
            LogPosition.BEGINNING,
            Duration.ofMillis(100),
            InstantSource.system(),
            counting)) {
      Thread.sleep(Duration.ofMinutes(10));
    }
  }
}
