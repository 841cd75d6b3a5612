package dev.aliquot.plugin.ledger;

import dev.aliquot.plugin.node.Grant;
import dev.aliquot.plugin.node.PodContainer;
import org.jspecify.annotations.Nullable;

/** A grant, and what the ledger knows of it. Guarded by the ledger's lock. */
final class Holding {
  final Grant grant;

  /** Later ones have higher numbers: of two that share ids, the later one has been handed them. */
  final long sequence;

  /** When the kubelet allocated it last, or this agent learnt of it; nanoseconds. */
  final long allocatedNanos;

  /** When it was allocated, bound or taken back last: what was asked before says nothing of it. */
  long touchedNanos;

  /** Who has been started with it; null before, and after it was handed on. */
  @Nullable PodContainer holder;

  /** An init container's, which has ended: a pod that starts anew may come back to it. */
  boolean passedOn;

  /** How often in a row nobody had it. */
  int missing;

  /** Since when its pod is listed without ids and nobody uses it; null where that is not so. */
  @Nullable Long idleSinceNanos;

  /** Its ids were allocated again while it was bound: another container will start with them. */
  boolean awaited;

  /**
   * The kubelet offers its ids, and nobody uses it: no hindrance to the allocation that follows.
   */
  boolean over;

  /** It has, or had, ids in common with another. */
  boolean sharesIds;

  /** Its container is gone, and processes still use it. */
  boolean leaving;

  Holding(Grant grant, long sequence, long allocatedNanos) {
    this.grant = grant;
    this.sequence = sequence;
    this.allocatedNanos = allocatedNanos;
    this.touchedNanos = allocatedNanos;
  }

  /** The same with other devices or a later place; whom it is bound to stays. */
  Holding renewed(Grant other, long laterSequence, long nowNanos) {
    Holding renewed = new Holding(other, laterSequence, nowNanos);
    renewed.holder = holder;
    renewed.leaving = leaving;
    renewed.awaited = isBound();
    return renewed;
  }

  /** A container is started with it. */
  void bind(PodContainer container) {
    holder = container;
    passedOn = false;
    awaited = false;
    leaving = false;
  }

  /**
   * Undoes {@link #bind}. Only where its ids have been allocated since, so that it is awaited now,
   * does that stay: it is another container's then, and not handed on any more.
   */
  void restore(Standing before) {
    holder = before.holder();
    passedOn = before.passedOn() && !awaited;
    awaited |= before.awaited();
    leaving = before.leaving();
  }

  Standing standing() {
    return new Standing(holder, passedOn, awaited, leaving);
  }

  boolean isBound() {
    return holder != null;
  }
}
