package dev.aliquot.agent.share;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.aliquot.agent.support.Eventually;
import dev.aliquot.linux.Descriptors;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One tenant's shares, with descriptors of a device that takes everything. */
class SharesTest {
  private static final Path DEVICE = Path.of("/dev/full");
  private static final Maker MAKER = new Maker(3, 7);
  private static final int MOST = 5;

  private final int before = OpenFile.count(DEVICE);
  private final Shares shares =
      new Shares(new Budget(100), MOST, Descriptors::close, System::nanoTime);

  @AfterEach
  void nothingStaysOpen() {
    shares.end();
    assertThat(shares.kept()).isZero();
    allClosed();
  }

  private void allClosed() {
    Eventually.soon(() -> assertThat(OpenFile.count(DEVICE)).isEqualTo(before));
  }

  private Piece add(Maker maker, long id, int piece, int pieces) throws NoShareException {
    return shares.add(maker, id, piece, pieces, 64 + piece, () -> OpenFile.descriptor(DEVICE));
  }

  private long share(int pieces) throws NoShareException {
    long id = add(MAKER, 0, 0, pieces).id();
    for (int piece = 1; piece < pieces; piece++) {
      assertThat(add(MAKER, id, piece, pieces).id()).isEqualTo(id);
    }
    return id;
  }

  private void refused(Maker maker, long id, int piece, int pieces, String sentence) {
    int kept = shares.kept();
    assertThatThrownBy(() -> add(maker, id, piece, pieces))
        .isInstanceOf(NoShareException.class)
        .hasMessageContaining(sentence);
    assertThat(shares.kept()).isEqualTo(kept);
    Eventually.soon(
        () -> assertThat(OpenFile.count(DEVICE)).as("it is closed").isEqualTo(before + kept));
  }

  private void hasNo(long id, int piece) {
    assertThatThrownBy(() -> shares.open(id, piece)).isInstanceOf(NoShareException.class);
  }

  @Test
  void everyPieceIsHandedOutAsOftenAsItIsAskedFor() throws Exception {
    long id = share(3);
    assertThat(id).isNotZero();
    for (int piece : new int[] {2, 0, 1, 1}) {
      Piece opened = shares.open(id, piece);
      assertThat(opened).isEqualTo(new Piece(id, 64 + piece, piece, 3, opened.descriptor()));
      assertThat(Descriptors.isMemoryOrDevice(opened.descriptor())).isTrue();
      Descriptors.close(opened.descriptor());
    }
    hasNo(id, 3);
    hasNo(id, -1);
    hasNo(id + 1, 0);
    hasNo(0, 0);
  }

  @Test
  void aShareThatLacksAPieceIsNone() throws Exception {
    long id = add(MAKER, 0, 0, 2).id();
    hasNo(id, 0);
    add(MAKER, id, 1, 2);
    Descriptors.close(shares.open(id, 0).descriptor());
  }

  @Test
  void idsAreNeverTheSame() throws Exception {
    long first = share(1);
    assertThat(shares.over(MAKER, first)).isTrue();
    assertThat(share(1)).isNotEqualTo(first);
  }

  @Test
  void piecesThatDoNotFollowAreRefused() throws Exception {
    refused(MAKER, 0, 1, 2, "begins with its first piece");
    refused(MAKER, 0, 0, 0, "from 1 to 4096 pieces");
    refused(MAKER, 0, 0, -1, "from 1 to 4096 pieces, not 4294967295");
    refused(MAKER, 0, 0, Shares.MOST_PIECES + 1, "from 1 to 4096 pieces");
    refused(MAKER, 99, 0, 1, "no such share");
    long id = add(MAKER, 0, 0, 3).id();
    refused(MAKER, id, 0, 3, "the next piece of this share is 1");
    refused(MAKER, id, 2, 3, "the next piece of this share is 1");
    refused(MAKER, id, 1, 2, "this share has 3 pieces");
    add(MAKER, id, 1, 3);
    add(MAKER, id, 2, 3);
    refused(MAKER, id, 3, 3, "all its pieces");
    refused(MAKER, id, 2, 3, "all its pieces");
  }

  @Test
  void aShareIsItsMakersOnly() throws Exception {
    long id = add(MAKER, 0, 0, 2).id();
    for (Maker other : new Maker[] {new Maker(4, 7), new Maker(3, 9)}) {
      refused(other, id, 1, 2, "no such share");
      assertThat(shares.over(other, id)).isFalse();
      shares.processGone(other);
    }
    assertThat(shares.kept()).isEqualTo(1);
    assertThat(shares.over(MAKER, id)).isTrue();
    assertThat(shares.over(MAKER, id)).isFalse();
    assertThat(shares.kept()).isZero();
  }

  @Test
  void noMoreIsKeptThanMayBe() throws Exception {
    share(3);
    long second = add(MAKER, 0, 0, 3).id();
    add(new Maker(5, 1), 0, 0, 1);
    refused(MAKER, second, 1, 3, "as many pieces");
    refused(new Maker(5, 1), 0, 0, 1, "as many pieces");
    shares.processGone(new Maker(5, 1));
    Eventually.soon(() -> assertThat(OpenFile.count(DEVICE)).isEqualTo(before + 4));
    Eventually.soon(() -> add(MAKER, second, 1, 3));
  }

  @Test
  void whatIsGoneIsClosed() throws Exception {
    long id = share(3);
    shares.processGone(MAKER);
    allClosed();
    hasNo(id, 0);
    shares.processGone(MAKER);
    share(2);
    shares.end();
    allClosed();
    refused(MAKER, 0, 0, 1, "ended");
  }

  @Test
  void allTenantsTogetherKeepNoMoreThanTheAgentCan() throws Exception {
    Budget budget = new Budget(3);
    Shares one = new Shares(budget, MOST, Descriptors::close, System::nanoTime);
    Shares other = new Shares(budget, MOST, Descriptors::close, System::nanoTime);
    long id = one.add(MAKER, 0, 0, 1, 64, () -> OpenFile.descriptor(DEVICE)).id();
    other.add(MAKER, 0, 0, 1, 64, () -> OpenFile.descriptor(DEVICE));
    other.add(MAKER, 0, 0, 1, 64, () -> OpenFile.descriptor(DEVICE));
    for (Shares shares : new Shares[] {one, other}) {
      assertThatThrownBy(
              () ->
                  shares.add(
                      MAKER,
                      0,
                      0,
                      1,
                      64,
                      () -> {
                        throw new AssertionError("it is not even fetched");
                      }))
          .isInstanceOf(NoShareException.class)
          .hasMessageContaining("as the agent can keep: 3");
    }
    assertThat(one.over(MAKER, id)).isTrue();
    Eventually.soon(() -> other.add(MAKER, 0, 0, 1, 64, () -> OpenFile.descriptor(DEVICE)));
    other.end();
  }

  @Test
  void aQuarterOfWhatTheAgentMayHaveOpenIsForShares(@TempDir Path folder) throws Exception {
    Path limits = folder.resolve("limits");
    Files.writeString(
        limits,
        "Limit                     Soft Limit           Hard Limit           Units\n"
            + "Max open files            1024                 524288               files\n");
    assertThat(Budget.of(limits).most()).isEqualTo(256);
    assertThat(Budget.of(Path.of("/proc/self/limits")).most()).isPositive();
  }

  @Test
  void filesThatMayHaveTheirCloserWaitAreNotKept(@TempDir Path folder) throws Exception {
    Path file = Files.createFile(folder.resolve("file"));
    assertThatThrownBy(() -> shares.add(MAKER, 0, 0, 1, 64, () -> OpenFile.descriptor(file)))
        .isInstanceOf(NoShareException.class)
        .hasMessageContaining("none of memory");
    Eventually.soon(() -> assertThat(OpenFile.count(file)).isZero());
  }

  @Test
  void emptyPiecesAreRefused() {
    assertThatThrownBy(() -> shares.add(MAKER, 0, 0, 1, 0, () -> OpenFile.descriptor(DEVICE)))
        .isInstanceOf(NoShareException.class);
    assertThatThrownBy(() -> shares.add(MAKER, 0, 0, 1, -1, () -> OpenFile.descriptor(DEVICE)))
        .isInstanceOf(NoShareException.class);
  }
}
