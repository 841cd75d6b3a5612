package dev.aliquot.agent.tenant;

import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.DeviceReading;
import dev.aliquot.agent.page.ControlPage;
import dev.aliquot.agent.pool.TenantChunks;
import dev.aliquot.agent.process.ProcessId;
import dev.aliquot.agent.process.ProcessStat;
import dev.aliquot.agent.share.Shares;
import dev.aliquot.agent.state.PodBinding;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.agent.view.TenantView;
import dev.aliquot.ledger.AskResult;
import dev.aliquot.ledger.Share;
import dev.aliquot.residency.SwapMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/**
 * One tenant: its slots, its books, its pages. Thread-safe by its own lock, which is never held
 * while the driver is called or another tenant's is taken.
 */
public final class Tenant {
  private static final long MOST_REFUSALS = 1L << 48;

  private final TenantContext context;
  private final TenantFiles.Pages pages;
  private final List<Holding> holdings;
  private final Account account;
  private final Seats seats;
  private final Presence presence;
  private final Resting resting;
  private final Diving diving;
  private final Surfacing surfacing;
  private final Family family;
  private final TenantChunks chunks;
  private final Shares shares;
  private final TreeMap<Integer, Member> members = new TreeMap<>();
  private final Runnable onIdle;
  private TenantRecord record;
  private boolean ending;
  private boolean gone;
  private boolean unsaved;

  /**
   * @param onIdle called, without the lock, when a process has ended: the tenant may be over
   */
  Tenant(
      TenantContext context,
      TenantRecord record,
      TenantFiles.Pages pages,
      List<Device> devices,
      Runnable onIdle) {
    this.context = context;
    this.record = record;
    this.pages = pages;
    this.onIdle = onIdle;
    this.family = Family.of(context.proc(), record, context.podContainers(), this::bound);
    this.shares = new Shares(context.shared());
    this.chunks = context.pool().open(record.id());
    List<Holding> list = new ArrayList<>();
    for (int i = 0; i < devices.size(); i++) {
      list.add(new Holding(i, devices.get(i), record, pages, context.residencies()));
    }
    this.holdings = List.copyOf(list);
    this.account = new Account(holdings, members, pages, context.counters());
    this.seats = new Seats(context, pages, holdings, members, this::reaped);
    this.presence = new Presence(this, holdings, members, pages);
    this.resting = new Resting(this, context, holdings, members, pages);
    this.diving = new Diving(this, context, holdings, members, pages, account);
    this.surfacing = new Surfacing(this, context, holdings, diving);
  }

  public String id() {
    return record().id();
  }

  public synchronized TenantRecord record() {
    return record;
  }

  /** The devices, by the index that its processes know them by. */
  List<Device> devices() {
    return holdings.stream().map(holding -> holding.device).toList();
  }

  Family family() {
    return family;
  }

  /** Its own lock may be taken under this tenant's, not the other way round. */
  TenantChunks chunks() {
    return chunks;
  }

  /** The same holds for its lock. */
  Shares shares() {
    return shares;
  }

  // ---- start

  /** Writes what a new tenant's page says about its devices, and lets processes in. */
  synchronized void publish() {
    ControlPage control = pages.control();
    control.tenant(record.name());
    for (Holding holding : holdings) {
      publish(holding);
    }
    control.deviceCount(holdings.size());
    control.state(ControlPage.State.READY);
  }

  private void publish(Holding holding) {
    Share share = holding.share();
    pages
        .control()
        .device(holding.index, holding.device.uuid(), share.requestBytes(), share.limitBytes());
    if (share.borrows()) {
      pages.control().movable(holding.index);
    }
    publishMode(holding);
  }

  private void publishMode(Holding holding) {
    if (record.swap() != SwapMode.NEVER) {
      pages.control().leaves(holding.index);
    }
  }

  /** The shares have changed: its processes see it at their next call. */
  synchronized void resized(TenantRecord newRecord) {
    record = record.withGrants(newRecord.grants());
    if (!gone) {
      holdings.forEach(this::publish);
    }
  }

  /** Which container of its pod it is for is known now. */
  private synchronized void bound(PodBinding binding) {
    record = record.withBinding(binding);
    unsaved = true;
  }

  /**
   * The container that the tenant is for is about to be started again, under another id.
   *
   * @throws IllegalStateException when it is for no container of a pod
   */
  public void reopen(String podUid) {
    if (!(family instanceof PodFamily pod)) {
      throw new IllegalStateException("tenant " + id() + " is for no container of a pod");
    }
    pod.reopen(podUid);
  }

  /** Whether processes use it: some have attached, or hold memory of its devices without. */
  public synchronized boolean isInUse() {
    return !members.isEmpty() || holdings.stream().anyMatch(holding -> holding.otherBytes > 0);
  }

  /**
   * Carries on with the slots in the page: credits stand for living processes, everything of dead
   * ones is taken back.
   */
  synchronized void restore() {
    for (Holding holding : holdings) {
      publishMode(holding);
      holding.book.overhead(Math.max(0, pages.control().overheadBytes(holding.index)));
      holding.device.learnContext(pages.control().contextEstimateBytes(holding.index));
    }
    count(seats.restore());
    for (Member member : members.values()) {
      diving.restore(member);
      chunks.restore(ChunkAnswers.holderOf(member), pages.control().hostBytes(member.slot));
    }
    if (pages.control().state() == ControlPage.State.CLOSED) {
      end();
    } else {
      pages.control().state(ControlPage.State.READY);
    }
  }

  synchronized void agent(AgentTraits agent) {
    pages
        .control()
        .agent(agent.epoch(), agent.agentWait(), agent.cudaLibrary(), agent.nvmlLibrary());
  }

  /**
   * A sign of life for the tenant's processes; puts right what they did to the usage page's size.
   */
  synchronized void heartbeat() {
    if (!gone) {
      pages.control().heartbeat(context.monotonic().getAsLong());
      if (pages.usage().restoreSize()) {
        context.counters().usagePageAnomalies.increment();
      }
      observe();
      resting.look();
      diving.look();
      for (Holding holding : holdings) {
        holding.book.hostOwn(chunks.ownedBytes(holding.index), chunks.wholeBytes(holding.index));
      }
    }
  }

  /** The record could not be saved after all. */
  synchronized void notSaved() {
    unsaved = true;
  }

  /** The record, if it has changed since it was saved; it counts as saved from now on. */
  synchronized Optional<TenantRecord> takeUnsaved() {
    boolean changed = unsaved;
    unsaved = false;
    return changed ? Optional.of(record) : Optional.empty();
  }

  // ---- processes

  /**
   * The slot of a process, given to it now if it has none; empty when all are taken or the tenant
   * is over.
   */
  synchronized Optional<Member> attach(ProcessStat process, int tenantPid) {
    Optional<Member> given = gone ? Optional.empty() : seats.give(process, tenantPid);
    given.ifPresent(diving::seated);
    return given;
  }

  /** The holder of a slot, if it is this process under this generation. */
  synchronized Optional<Member> member(int slot, long generation, int pid) {
    return Optional.ofNullable(members.get(slot))
        .filter(member -> member.generation == generation && member.id.pid() == pid);
  }

  /** Whether a process has a slot. */
  public synchronized boolean hasAttached(ProcessId id) {
    return members.values().stream().anyMatch(member -> member.id.equals(id));
  }

  /** The holding of a device index as a process says it: any number. */
  Optional<Holding> holding(int index) {
    return index >= 0 && index < holdings.size()
        ? Optional.of(holdings.get(index))
        : Optional.empty();
  }

  /** Whether a process has its slot still, and the pages are there. */
  synchronized boolean holds(Member member) {
    return !gone && members.get(member.slot) == member;
  }

  /** Takes the slot back. */
  synchronized void detach(Member member) {
    if (gone || !members.remove(member.slot, member)) {
      return;
    }
    count(seats.takeBack(member));
    chunks.processGone(ChunkAnswers.holderOf(member));
    shares.processGone(ShareAnswers.makerOf(member));
    for (Holding holding : holdings) {
      holding.book.detach(member.slot);
      holding.book.overhead(account.publishOverhead(holding));
      holding.device.room().fire();
    }
  }

  /** A question to the book; empty when the process has lost its slot meanwhile. */
  synchronized Optional<AskResult> ask(Member member, Holding holding, long wantedBytes) {
    return holds(member)
        ? Optional.of(holding.book.ask(member.slot, wantedBytes))
        : Optional.empty();
  }

  /** An ask that waits for memory to be freed is given up. */
  synchronized void withdraw(Member member, Holding holding) {
    if (holds(member)) {
      holding.book.withdraw(member.slot);
    }
  }

  /**
   * A process has done what it was to give back, or to bring back.
   *
   * @return whether somebody who waits may go on
   */
  synchronized boolean moved(Member member, Holding holding) {
    return holds(member) && holding.book.moved();
  }

  /**
   * A process could not give all back.
   *
   * @param wake the page's word as it was when the process began
   * @return whether somebody who waits may go on
   */
  synchronized boolean couldNotMove(Member member, Holding holding, int wake) {
    return holds(member) && holding.book.couldNotMove(member.slot, wake);
  }

  /** Which of its processes are on its devices. */
  Presence presence() {
    return presence;
  }

  /**
   * Has every process of the tenant leave its devices, until they need them again.
   *
   * @param deep with their contexts, too, and whatever else they have there
   * @return whether any does, or has
   */
  public boolean swapOut(boolean deep) {
    boolean leaves = presence.swapOut(deep);
    if (leaves && deep) {
      diving.want();
    }
    return leaves;
  }

  /** Has contexts leave. */
  Diving diving() {
    return diving;
  }

  /** Brings contexts back. */
  Surfacing surfacing() {
    return surfacing;
  }

  /** Its processes. */
  synchronized List<Member> members() {
    return List.copyOf(members.values());
  }

  /** What a process has in host memory, as it says; never more than it has been given. */
  synchronized long demotedBytes(Member member, Holding holding) {
    return members.get(member.slot) == member ? holding.book.demotedBytes(member.slot) : 0;
  }

  synchronized long creditBytes(Member member, Holding holding) {
    return members.get(member.slot) == member ? holding.book.creditBytes(member.slot) : 0;
  }

  /**
   * Writes to its slot what a process has in its hands of the host pool; false when it has lost the
   * slot meanwhile.
   */
  synchronized boolean publishHostBytes(Member member) {
    if (!holds(member)) {
      return false;
    }
    pages.control().hostBytes(member.slot, chunks.bytesOf(ChunkAnswers.holderOf(member)));
    return true;
  }

  /** Has host chunks made ahead where this tenant may borrow. */
  void expectChunks() {
    ChunkAnswers.expect(chunks, context, holdings);
  }

  // ---- end

  /** Whether the pages have been let go of: the tenant is over or the agent stops. */
  synchronized boolean isGone() {
    return gone;
  }

  public synchronized boolean isEnding() {
    return ending;
  }

  /** Nothing new may be held from now on. */
  synchronized void end() {
    if (gone) {
      return;
    }
    ending = true;
    pages.control().state(ControlPage.State.CLOSED);
    holdings.forEach(holding -> holding.book.close());
  }

  /**
   * Whether the last process has gone, so that nothing of the tenant is left to keep. An ended
   * tenant also stays while processes of its that never attached hold memory: what they hold is
   * still allocated.
   */
  boolean isOver() {
    synchronized (this) {
      if (!members.isEmpty() || (!ending && record.outlivesProcesses())) {
        return false;
      }
      if (ending) {
        return holdings.stream().allMatch(holding -> holding.otherBytes == 0);
      }
    }
    return family.isExtinct();
  }

  /** Lets go of the pages; their files stay. */
  synchronized void release() {
    if (!gone) {
      gone = true;
      shares.end();
      if (family instanceof PodFamily pod) {
        pod.end();
      }
      seats.unwatchAll();
      // the devices' books write into the pages until they have let go of the tenant
      for (Holding holding : holdings) {
        holding.residency.remove(record.id());
        holding.device.book().release(record.id());
      }
      pages.close();
    }
  }

  synchronized void markClosed() {
    if (!gone) {
      pages.control().state(ControlPage.State.CLOSED);
    }
  }

  // ---- ground truth

  /**
   * What the processes report about a device now, for a reading that begins; empty when the tenant
   * has nothing of it.
   */
  public synchronized Optional<Reports> beginReading(Device device) {
    return gone ? Optional.empty() : account.beginReading(device);
  }

  /**
   * Accounts for a reading of ground truth.
   *
   * @param reports taken before it
   * @param otherBytes held by processes of this tenant that are not in the reports
   * @return whether every report stood still; else the next reading may find less overhead. One
   *     that waits for an answer stands still in the middle of a call: nothing is exact, and the
   *     next reading would find the same
   */
  public synchronized boolean endReading(Reports reports, DeviceReading reading, long otherBytes) {
    return gone || account.endReading(reports, reading, otherBytes);
  }

  // ---- views

  /** As things are now, one per device. Never waits for the driver. */
  public synchronized List<TenantView> views() {
    return TenantViews.of(
        record,
        holdings,
        members.values(),
        gone ? null : pages.usage(),
        state(),
        context.monotonic().getAsLong());
  }

  private String state() {
    if (ending) {
      return "ending";
    }
    if (gone || members.isEmpty()) {
      return gone ? "running" : "starting";
    }
    return presence.state();
  }

  // ---- inside

  /**
   * Whether it uses its devices; its processes are asked to have the figure ready next time. Those
   * that need not count are left alone.
   */
  private void observe() {
    boolean counts =
        resting.isCounting() || holdings.stream().anyMatch(holding -> holding.share().borrows());
    long submissions = 0;
    for (Member member : members.values()) {
      submissions += pages.usage().report(member.slot).submissions();
      if (counts) {
        pages.control().nudge(member.slot);
      }
    }
    for (Holding holding : holdings) {
      holding.residency.observe(record.id(), submissions);
    }
  }

  private void reaped(Member member) {
    context.counters().reapedProcesses.increment();
    detach(member);
    onIdle.run();
  }

  private void count(long refusals) {
    if (refusals > 0) {
      record = record.withRefusals(Math.min(MOST_REFUSALS, record.refusals() + refusals));
      unsaved = true;
    }
  }
}
