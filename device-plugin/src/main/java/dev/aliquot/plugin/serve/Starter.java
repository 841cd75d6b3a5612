package dev.aliquot.plugin.serve;

import dev.aliquot.plugin.ledger.Ledger;
import dev.aliquot.plugin.ledger.NotYet;
import dev.aliquot.plugin.ledger.Start;
import dev.aliquot.plugin.ledger.Wait;
import dev.aliquot.plugin.node.Node;
import dev.aliquot.plugin.node.NotYetException;
import dev.aliquot.plugin.pod.Holders;
import dev.aliquot.plugin.pod.PodSource;
import dev.aliquot.plugin.unit.GrantKey;
import java.io.IOException;
import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.function.LongSupplier;

/**
 * Lets containers start: finds out whose they are, and has the node make what they need. Several at
 * a time, each grant once. Thread-safe.
 */
public final class Starter {
  /** As many as may take long at the same time; the others are asked for again. */
  private static final int TOGETHER = 32;

  private final Node node;
  private final Ledger ledger;
  private final PodSource pods;
  private final LongSupplier nanos;
  private final Runnable changed;
  private final Runnable settle;
  private final Semaphore places = new Semaphore(TOGETHER);
  private final Set<String> starting = ConcurrentHashMap.newKeySet();

  /** Grants that were found to be nobody's while somebody was at them. */
  private final Set<String> postponed = ConcurrentHashMap.newKeySet();

  /**
   * @param changed called when the ledger has changed
   * @param settle frees what nobody has any more, if anything, before it returns
   */
  public Starter(
      Node node,
      Ledger ledger,
      PodSource pods,
      LongSupplier nanos,
      Runnable changed,
      Runnable settle) {
    this.node = node;
    this.settle = settle;
    this.ledger = ledger;
    this.pods = pods;
    this.nanos = nanos;
    this.changed = changed;
  }

  /**
   * Called before each start of a container. One that finds no room looks once whether those who
   * have it are gone, and takes up to a few seconds for it: the kubelet, which knows that they are,
   * comes again only after a quarter of a minute.
   *
   * @throws NotYet when it has to wait
   */
  public void start(Collection<String> ids) throws NotYet {
    try {
      startNow(ids);
    } catch (NotYet e) {
      if (e.why() != Wait.ROOM) {
        throw e;
      }
      settle.run();
      startNow(ids);
    }
  }

  private void startNow(Collection<String> ids) throws NotYet {
    String key = GrantKey.of(new TreeSet<>(ids));
    if (!places.tryAcquire()) {
      throw new NotYet(Wait.BUSY, TOGETHER + " other containers are being started");
    }
    try {
      if (!starting.add(key)) {
        throw new NotYet(Wait.BUSY, "the start before this one is still being prepared");
      }
      boolean ended;
      try {
        bind(ids);
      } finally {
        starting.remove(key);
        ended = postponed.remove(key) && release(key);
      }
      if (ended) {
        throw new NotYet(
            Wait.NOBODY,
            "the kubelet named no container with these units any more before all was made; it is"
                + " asked again");
      }
    } finally {
      places.release();
    }
  }

  /**
   * Ends a grant's tenant, which was found to be nobody's; not once a container has been started
   * with the grant: that has made a tenant of its own. While one is started, or ended, it is put
   * off until that has come to its end: a pod may go while its tenant is made.
   *
   * @return whether it was ended
   */
  public boolean release(String key) {
    while (!starting.add(key)) {
      postponed.add(key);
      // Whoever starts looks after its end; where that is over already, it is done here.
      if (starting.contains(key) || !postponed.remove(key)) {
        return false;
      }
    }
    boolean ended = false;
    boolean again;
    try {
      if (!ledger.isBound(key)) {
        node.release(key);
        ended = true;
      }
    } finally {
      starting.remove(key);
      again = postponed.remove(key);
    }
    // Whoever came meanwhile may know what was not so when this one looked.
    return (again && release(key)) || ended;
  }

  private void bind(Collection<String> ids) throws NotYet {
    long askedNanos = nanos.getAsLong();
    Holders kubelet;
    try {
      kubelet = pods.read();
    } catch (IOException e) {
      throw new NotYet(Wait.KUBELET, String.valueOf(e.getMessage()));
    }
    Start start = ledger.start(ids, kubelet, node.devices(), askedNanos);
    changed.run();
    boolean bound = false;
    try {
      start.ended().forEach(node::release);
      node.bind(start.grant(), start.container());
      bound = true;
    } catch (NotYetException e) {
      throw new NotYet(Wait.NODE, String.valueOf(e.getMessage()));
    } finally {
      if (!bound) {
        ledger.takeBack(start, nanos.getAsLong());
        changed.run();
      }
    }
  }
}
