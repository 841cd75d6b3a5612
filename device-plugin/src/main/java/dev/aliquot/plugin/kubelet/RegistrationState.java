package dev.aliquot.plugin.kubelet;

import dev.aliquot.plugin.count.Count;
import dev.aliquot.plugin.count.Counters;
import java.time.Duration;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether a kubelet knows the plugin, and what is to be done where it does not. Pure but for the
 * log; thread-safe.
 */
public final class RegistrationState {
  private static final Logger LOG = LoggerFactory.getLogger(RegistrationState.class);

  /** What is to be done now. */
  enum Step {
    NOTHING,
    /** Make the socket in the kubelet's folder anew, so that it sees it. */
    ANNOUNCE,
    /** Call the kubelet. */
    CALL
  }

  private final RegistrationRules rules;
  private final Counters counters;
  private final LongSupplier nanos;

  private Optional<SocketId> kubelet = Optional.empty();
  private @Nullable Way way;
  private long sinceNanos;

  /** Since when the kubelet can find the plugin; each announcement starts it anew. */
  private long announcedNanos;

  private boolean announce;
  private boolean asked;
  private boolean everAsked;
  private boolean lastByCall;
  private int failures;
  private long notBeforeNanos;
  private int streams;
  private String lastError = "";

  /** Not registered, and nothing seen. */
  public RegistrationState(RegistrationRules rules, Counters counters, LongSupplier nanos) {
    this.rules = rules;
    this.counters = counters;
    this.nanos = nanos;
    sinceNanos = nanos.getAsLong();
    announcedNanos = sinceNanos;
  }

  /** What was seen at the kubelet's socket, and what follows. */
  synchronized Step look(Optional<SocketId> seen) {
    long now = nanos.getAsLong();
    see(seen, now);
    if (way != null) {
      if (streams == 0 && now - sinceNanos > rules.stream().toNanos()) {
        lost("the kubelet took the plugin and did not ask for its devices");
      }
      return Step.NOTHING;
    }
    if (now < notBeforeNanos) {
      return Step.NOTHING;
    }
    if (announce) {
      announce = false;
      asked = false;
      announcedNanos = now;
      return Step.ANNOUNCE;
    }
    if (kubelet.isEmpty()) {
      return Step.NOTHING;
    }
    return now - announcedNanos >= patience().toNanos() ? Step.CALL : Step.NOTHING;
  }

  /** One that has asked has longer to say how it went, one that never asks is called at once. */
  private Duration patience() {
    if (asked) {
      return rules.patience().multipliedBy(4);
    }
    return lastByCall && !everAsked ? Duration.ZERO : rules.patience();
  }

  /** The kubelet has found the plugin and asks for its name; it may be a new one. */
  synchronized void asked(Optional<SocketId> seen) {
    see(seen, nanos.getAsLong());
    asked = true;
    everAsked = true;
  }

  /** The kubelet has taken the plugin. */
  synchronized void registered(Way by) {
    LOG.info("the kubelet has taken the device plugin (by {})", by.shown());
    counters.add(by == Way.FOLDER ? Count.REGISTRATIONS_BY_FOLDER : Count.REGISTRATIONS_BY_CALL);
    way = by;
    lastByCall = by == Way.CALL;
    sinceNanos = nanos.getAsLong();
  }

  /** The kubelet has not taken the plugin, or has given it up: tried again after a while. */
  synchronized void lost(String reason) {
    long now = nanos.getAsLong();
    boolean lasted = way != null && now - sinceNanos > rules.lastBackOff().toNanos();
    failures = lasted ? 1 : failures + 1;
    Duration backOff = rules.backOff(failures);
    if (failures == 1 || !reason.equals(lastError)) {
      LOG.warn("{}; tried again", reason);
    }
    counters.add(Count.REGISTRATION_FAILURES);
    lastError = reason;
    if (way != null) {
      way = null;
      sinceNanos = now;
    }
    announce = true;
    notBeforeNanos = now + backOff.toNanos();
  }

  /** Something other than the kubelet is in the way. */
  synchronized void failed(String reason) {
    lastError = reason;
  }

  /** The kubelet watches the list of devices. */
  public synchronized void streamOpened() {
    streams++;
  }

  /**
   * The kubelet watches no more. When one of two streams ends, it gives up the plugin whichever of
   * them it was.
   */
  public synchronized void streamEnded() {
    streams--;
    if (way != null) {
      lost("the kubelet has stopped watching the devices");
    }
  }

  /** How it stands. */
  public synchronized RegistrationView view() {
    return new RegistrationView(
        way, Duration.ofNanos(nanos.getAsLong() - sinceNanos), streams, lastError);
  }

  private void see(Optional<SocketId> seen, long now) {
    if (seen.equals(kubelet)) {
      return;
    }
    kubelet = seen;
    if (way != null) {
      LOG.info("the kubelet has been started again: registering anew");
      way = null;
      sinceNanos = now;
    }
    // A new kubelet looks through its folder by itself, and has done us no wrong yet.
    asked = false;
    announce = false;
    failures = 0;
    notBeforeNanos = now;
    announcedNanos = now;
  }
}
