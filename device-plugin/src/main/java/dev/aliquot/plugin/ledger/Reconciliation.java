package dev.aliquot.plugin.ledger;

import dev.aliquot.plugin.node.PodContainer;
import dev.aliquot.plugin.pod.Holders;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;

/** One comparison of the holdings with what the kubelet says. Guarded by the ledger's lock. */
final class Reconciliation {
  /** What becomes of a holding. */
  enum Fate {
    STAYS,
    /** Its container is gone; it stays until its processes are. */
    RELEASED,
    GOES
  }

  /** A list may be of a moment at which the kubelet was not ready. */
  private static final int TIMES_MISSING = 2;

  private final Holders kubelet;
  private final Set<String> inUse;
  private final Set<String> living;
  private final LedgerRules rules;
  private final long askedNanos;

  Reconciliation(
      Holders kubelet, Set<String> inUse, Set<String> living, LedgerRules rules, long askedNanos) {
    this.kubelet = kubelet;
    this.inUse = inUse;
    this.living = living;
    this.rules = rules;
    this.askedNanos = askedNanos;
  }

  /** Says what becomes of it, and notes in it how often it was missing. */
  Fate fateOf(Holding holding) {
    if (holding.touchedNanos >= askedNanos) {
      return Fate.STAYS;
    }
    if (isHeld(holding)) {
      holding.missing = 0;
      return isOtherPods(holding) ? released(holding) : Fate.STAYS;
    }
    if (livesOn(holding)) {
      holding.missing = 0;
      return Fate.STAYS;
    }
    holding.missing++;
    if (holding.missing < TIMES_MISSING) {
      return Fate.STAYS;
    }
    if (holding.leaving || holding.isBound()) {
      return inUse.contains(holding.grant.key()) ? left(holding) : Fate.GOES;
    }
    return Fate.GOES;
  }

  /**
   * A kubelet that has just been started lists nothing until it has heard of its pods, and one that
   * has lost its checkpoint does not know who has which ids; a pod that runs is there all the same.
   */
  private boolean livesOn(Holding holding) {
    PodContainer holder = holding.holder;
    return holder != null
        && !holder.podUid().isEmpty()
        && living.contains(holder.podUid().toLowerCase(Locale.ROOT));
  }

  /** The ids have a new pod, which has not been started: the old one's tenant ends. */
  private boolean isOtherPods(Holding holding) {
    PodContainer holder = holding.holder;
    return holder != null
        && kubelet
            .holderOf(holding.grant.ids())
            .filter(now -> !Starts.isSamePod(holder, now))
            .isPresent()
        && !Starts.isAlive(holding, holder, kubelet);
  }

  private static Fate released(Holding holding) {
    holding.holder = null;
    return Fate.RELEASED;
  }

  private static Fate left(Holding holding) {
    boolean first = !holding.leaving;
    holding.leaving = true;
    return first ? Fate.RELEASED : Fate.STAYS;
  }

  private boolean isHeld(Holding holding) {
    PodContainer holder = holding.holder;
    boolean listed = kubelet.isListed(holding.grant.ids());
    if (listed || holder == null || !kubelet.isListedWithoutIds(holder)) {
      holding.idleSinceNanos = null;
    }
    if (listed) {
      return true;
    }
    if (holding.passedOn) {
      return kubelet.sharesIds(holding.grant.ids());
    }
    if (kubelet.isInCheckpointOfListedPod(holding.grant.ids())) {
      return true;
    }
    if (holder != null && kubelet.isListedWithoutIds(holder)) {
      return !isIdle(holding);
    }
    // An init container's, or one of a pod that has ended and is not yet forgotten.
    boolean unlisted = holder == null || holder.namespace().isEmpty();
    if (unlisted && kubelet.isInCheckpoint(holding.grant.ids())) {
      return isYoungerThan(rules.unlisted(), holding) || inUse.contains(holding.grant.key());
    }
    return (holder == null || holding.awaited) && isYoungerThan(rules.grace(), holding);
  }

  /** The pod may be another of the same name, which never asked for a device. */
  private boolean isIdle(Holding holding) {
    if (inUse.contains(holding.grant.key())) {
      holding.idleSinceNanos = null;
      return false;
    }
    Long since = holding.idleSinceNanos;
    if (since == null) {
      holding.idleSinceNanos = askedNanos;
      return false;
    }
    return askedNanos - since >= rules.forgotten().toNanos();
  }

  private boolean isYoungerThan(Duration age, Holding holding) {
    return askedNanos - holding.allocatedNanos < age.toNanos();
  }
}
