package dev.aliquot.plugin.unit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UnitIdTest {
  private static final String UUID = "GPU-5f0b1b2c-2c7c-4c38-9d0e-1a2b3c4d5e6f";

  @Test
  void anIdIsReadAsItIsWritten() {
    for (int unit = 0; unit < 100; unit++) {
      String text = new UnitId(UUID, unit).text();
      assertThat(text).hasSizeLessThan(64);
      assertThat(UnitId.parse(text)).contains(new UnitId(UUID, unit));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ".",
        ".00",
        "GPU-1",
        "GPU-1.0",
        "GPU-1.0x",
        "GPU 1.00",
        "GPU-1.100",
        "GPU-1.-1",
        "GPU-1.00\n",
        "ä.00",
        "0123456789012345678901234567890123456789012345678901234567890.00"
      })
  void whatHasAnotherFormIsNoId(String text) {
    assertThat(UnitId.parse(text)).isEmpty();
  }

  @Test
  void aGrantsKeyFollowsFromTheIdsAlone() {
    // printf 'a.00\nb.01' | sha256sum
    assertThat(GrantKey.of(new TreeSet<>(List.of("b.01", "a.00")))).isEqualTo("3da320136c7302b2");
    assertThat(GrantKey.of(new TreeSet<>(List.of("a.00"))))
        .isNotEqualTo(GrantKey.of(new TreeSet<>(List.of("a.01"))));
  }
}
