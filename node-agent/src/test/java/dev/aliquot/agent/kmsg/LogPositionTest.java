package dev.aliquot.agent.kmsg;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LogPositionTest {
  @Test
  void itsTextIsReadBack() {
    for (LogPosition position :
        new LogPosition[] {
          LogPosition.BEGINNING,
          LogPosition.END,
          new LogPosition("7adc3c52-5f92-4826-9bef-b83e45b8c7f3", 1207),
          new LogPosition("file-00ff00ff", 0)
        }) {
      assertThat(LogPosition.parse(position.text() + "\n")).contains(position);
    }
  }

  @Test
  void anythingElseIsNoPosition() {
    for (String text :
        new String[] {
          "", " ", "none", "none 1 2", "none -1", "none 9999999999999999999", "../x 1"
        }) {
      assertThat(LogPosition.parse(text)).as(text).isEmpty();
    }
  }
}
