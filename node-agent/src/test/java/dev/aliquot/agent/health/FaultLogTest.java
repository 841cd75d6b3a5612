package dev.aliquot.agent.health;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FaultLogTest extends DeskFixture {
  private static final Logger LOG = Logger.getLogger(FaultLog.class.getName());

  private final List<String> told = new CopyOnWriteArrayList<>();
  private final Handler handler =
      new Handler() {
        @Override
        public void publish(LogRecord entry) {
          told.add(entry.getMessage());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
      };

  @BeforeEach
  void listen() {
    LOG.addHandler(handler);
  }

  @AfterEach
  void listenNoMore() {
    LOG.removeHandler(handler);
  }

  private void programs(int count) {
    for (int pid = 1; pid <= count; pid++) {
      line("31, pid=" + pid + ", name=a, x");
    }
  }

  @Test
  void ofProgramsFaultsOnlyAsManyAreToldAsAPersonCanRead() {
    programs(1000);
    assertThat(told).hasSize(20);
    later(Duration.ofSeconds(61));
    programs(1);
    assertThat(told).hasSize(22);
    assertThat(told.get(20)).startsWith("980 more faults");
  }

  @Test
  void everyFaultOfADeviceIsTold() {
    programs(1000);
    for (int i = 0; i < 50; i++) {
      line("48, x");
      later(Duration.ofMillis(5001));
    }
    assertThat(told.stream().filter(line -> line.contains(": 48 (reset)"))).hasSize(50);
  }

  @Test
  void theTenantIsNamedThoughTheEventCameFirst() {
    owns("guilty", 5);
    event(31);
    line("31, pid=5, name=a, x");
    assertThat(told).hasSize(1).first().asString().contains("Process 5 a of tenant guilty");
  }
}
