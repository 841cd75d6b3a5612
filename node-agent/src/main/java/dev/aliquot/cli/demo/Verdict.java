package dev.aliquot.cli.demo;

import dev.aliquot.agent.config.ByteSize;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Turns what was seen into claims, each true or not. */
final class Verdict {
  private static final long ROUNDS_AFTER = 3;
  private static final double CLOSE_ENOUGH = 0.01;

  private Verdict() {}

  static List<Claim> of(DemoTenant asker, DemoTenant neighbour, Watcher seen)
      throws InterruptedException {
    List<Claim> claims = new ArrayList<>();
    claims.add(
        new Claim(
            seen.together() && hasShare(asker, seen) && hasShare(neighbour, seen),
            "two programs worked on one GPU at the same time, with "
                + asker.percent()
                + " % and "
                + neighbour.percent()
                + " % of its memory"));
    for (DemoTenant tenant : List.of(asker, neighbour)) {
      claims.add(offered(tenant, seen));
      claims.add(kept(tenant, seen));
    }
    claims.add(refused(asker, seen));
    claims.add(undisturbed(neighbour, asker));
    claims.add(right(asker));
    return claims;
  }

  private static boolean hasShare(DemoTenant tenant, Watcher seen) {
    double expected = seen.capacityBytes() * tenant.percent() / 100.0;
    return seen.tenant(tenant.name())
        .filter(t -> Math.abs(t.requestBytes() - expected) <= expected * CLOSE_ENOUGH)
        .isPresent();
  }

  private static Claim offered(DemoTenant tenant, Watcher seen) {
    long total = tenant.first("start").map(event -> event.number("total_bytes")).orElse(-1L);
    long limit = seen.tenant(tenant.name()).map(Watcher.Seen::limitBytes).orElse(-2L);
    return new Claim(
        total == limit,
        tenant.name()
            + " was shown its share as the whole device: "
            + size(total)
            + " of "
            + size(seen.capacityBytes()));
  }

  private static Claim kept(DemoTenant tenant, Watcher seen) {
    Watcher.Seen t = seen.tenant(tenant.name()).orElse(new Watcher.Seen(0, 0, 0));
    return new Claim(
        t.mostUsedBytes() > 0 && t.mostUsedBytes() <= t.limitBytes(),
        tenant.name()
            + " never held more than its share: at most "
            + size(t.mostUsedBytes())
            + " of "
            + size(t.limitBytes()));
  }

  private static Claim refused(DemoTenant asker, Watcher seen) {
    Optional<Event> beyond = asker.first("beyond");
    long asked = beyond.map(event -> event.number("asked_bytes")).orElse(-1L);
    boolean outOfMemory = beyond.filter(event -> event.number("code") == 2).isPresent();
    boolean room = asked > 0 && seen.leastFreeBytes() >= asked;
    String answer =
        beyond.map(event -> event.values().getOrDefault("name", "no name")).orElse("nothing");
    return new Claim(
        outOfMemory,
        asker.name()
            + " asked for "
            + size(asked)
            + ", beyond its share, and got "
            + answer
            + (room ? ", though the GPU had " + size(seen.leastFreeBytes()) + " free" : ""));
  }

  private static Claim undisturbed(DemoTenant neighbour, DemoTenant asker)
      throws InterruptedException {
    int code = neighbour.exitCode();
    long when = asker.first("beyond").map(Event::nanoTime).orElse(Long.MAX_VALUE);
    long after = when == Long.MAX_VALUE ? 0 : neighbour.roundsAfter(when);
    long wrong = neighbour.last("end").map(event -> event.number("wrong")).orElse(-1L);
    return new Claim(
        code == 0 && wrong == 0 && after >= ROUNDS_AFTER,
        neighbour.name()
            + " went on computing meanwhile: "
            + after
            + " rounds after the refusal, wrong words: "
            + wrong);
  }

  private static Claim right(DemoTenant asker) throws InterruptedException {
    int code = asker.exitCode();
    long wrong = asker.last("end").map(event -> event.number("wrong")).orElse(-1L);
    long rounds = asker.last("end").map(event -> event.number("rounds")).orElse(0L);
    return new Claim(
        code == 0 && wrong == 0 && rounds >= ROUNDS_AFTER,
        asker.name()
            + " kept its own data through the refusal: "
            + rounds
            + " rounds, wrong words: "
            + wrong);
  }

  private static String size(long bytes) {
    return bytes < 0 ? "an unknown size" : ByteSize.shortText(bytes);
  }
}
