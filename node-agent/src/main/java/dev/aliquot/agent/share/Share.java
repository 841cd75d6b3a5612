package dev.aliquot.agent.share;

import java.util.ArrayList;
import java.util.List;

/** One share: pieces come in order, and it is none before the last one has come. */
final class Share {
  final long id;
  final Maker maker;
  final int pieces;
  private final List<Kept> kept = new ArrayList<>();

  record Kept(long bytes, int descriptor) {}

  Share(long id, Maker maker, int pieces) {
    this.id = id;
    this.maker = maker;
    this.pieces = pieces;
  }

  int count() {
    return kept.size();
  }

  boolean isWhole() {
    return kept.size() == pieces;
  }

  void add(Kept piece) {
    kept.add(piece);
  }

  Kept get(int piece) {
    return kept.get(piece);
  }

  List<Kept> all() {
    return kept;
  }
}
