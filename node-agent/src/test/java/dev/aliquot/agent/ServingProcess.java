package dev.aliquot.agent;

import dev.aliquot.agent.bypass.BypassOptions;
import dev.aliquot.agent.config.BypassPolicy;
import dev.aliquot.agent.config.KeeperPolicy;
import dev.aliquot.agent.config.OutPolicy;
import dev.aliquot.agent.health.HealthOptions;
import dev.aliquot.agent.http.Json;
import dev.aliquot.agent.pool.PoolOptions;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.tenant.SwapOptions;
import dev.aliquot.agent.view.TenantResize;
import dev.aliquot.agent.view.TenantSpec;
import dev.aliquot.ledger.Priority;
import dev.aliquot.residency.ResidencyRules;
import dev.aliquot.residency.SwapMode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An agent in a process of its own, which opens the CUDA driver (a process can have one only) and
 * may be killed. It carries on with the tenants it finds, and answers each line with a line: {@code
 * view} with JSON, {@code grant NAME REQUEST LIMIT ROOTPID} with JSON, {@code resize NAME REQUEST
 * LIMIT}, {@code malformed} and {@code refused STATUS} with a count, {@code moves} with bytes,
 * nanoseconds of copying and nanoseconds closed, {@code swap out|out_deep|in NAME}, {@code swaps}
 * with departures and returns, {@code dives} with a count, {@code end NAME}, {@code close}.
 */
public final class ServingProcess {
  private ServingProcess() {}

  /** Starts one, with the launcher's flags and the arguments of {@link #main}. */
  static Talker start(String... arguments) {
    List<String> all =
        new ArrayList<>(
            List.of(
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                ServingProcess.class.getName()));
    all.addAll(List.of(arguments));
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    return Talker.start(Map.of(), java, all.toArray(String[]::new));
  }

  /**
   * Arguments: state directory, library directory, simulator's settings, the host pool's bytes, the
   * CUDA library or "-" or nothing, the keeper policy or nothing, the seconds of agent-wait or
   * nothing, the milliseconds that a tenant is idle after and keeps a device at least, or nothing,
   * those after which it goes deep, or "-" or nothing, what becomes of tenants of a device that is
   * out, or nothing.
   */
  public static void main(String[] arguments) throws Exception {
    AgentOptions options =
        new AgentOptions(
                Path.of(arguments[0]),
                "test",
                "test",
                arguments[2],
                null,
                library(arguments),
                Path.of(arguments[1]),
                3,
                256L << 20,
                Duration.ofMillis(500),
                Duration.ofSeconds(arguments.length > 6 ? Long.parseLong(arguments[6]) : 10))
            .withHostPool(new PoolOptions(Long.parseLong(arguments[3]), 0L, 0))
            .withBypass(
                new BypassOptions(
                    BypassPolicy.REPORT,
                    BypassPolicy.REPORT,
                    arguments.length > 5 ? KeeperPolicy.valueOf(arguments[5]) : KeeperPolicy.REPORT,
                    1L << 30,
                    Duration.ofSeconds(1)))
            .withSwap(arguments.length > 7 ? swap(arguments) : SwapOptions.DEFAULTS)
            .withHealth(
                HealthOptions.DEFAULTS
                    .withHold(Duration.ofSeconds(1))
                    .withTenants(
                        arguments.length > 9 ? OutPolicy.valueOf(arguments[9]) : OutPolicy.KEEP));
    Agent agent = Agent.start(options, InstantSource.system());
    System.out.println("serving " + agent.view().tenants().size());
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      System.out.println(answer(agent, line.split(" ")));
    }
    agent.close();
  }

  private static SwapOptions swap(String... arguments) {
    Duration time = Duration.ofMillis(Long.parseLong(arguments[7]));
    SwapOptions options = new SwapOptions(SwapMode.ALLOWED, new ResidencyRules(time, time));
    return arguments.length > 8 && !arguments[8].equals("-")
        ? options.withDeepAfter(Duration.ofMillis(Long.parseLong(arguments[8])))
        : options;
  }

  private static @Nullable Path library(String... arguments) {
    return arguments.length > 4 && !arguments[4].equals("-") ? Path.of(arguments[4]) : null;
  }

  private static String answer(Agent agent, String... words) throws AgentException {
    switch (words[0]) {
      case "view" -> {
        return Json.pretty(agent.view()).replaceAll("\\s*\\n\\s*", " ");
      }
      case "malformed" -> {
        return Long.toString(agent.stats().malformedFrames());
      }
      case "refused" -> {
        return String.valueOf(agent.stats().refusalsByStatus().get(words[1]));
      }
      case "grant" -> {
        int root = Integer.parseInt(words[4]);
        return Json.pretty(
                agent.createTenant(
                    new TenantSpec(
                            words[1], "", "", "", List.of("0"), Long.valueOf(words[2]), null, root)
                        .withLimitBytes(Long.parseLong(words[3]))
                        .withPriority(Priority.valueOf(words[5])),
                    AgentFixture.peer(root)))
            .replaceAll("\\s*\\n\\s*", " ");
      }
      case "resize" -> {
        try {
          agent.resizeTenant(
              words[1],
              new TenantResize(Long.valueOf(words[2]), null, Long.valueOf(words[3]), null),
              AgentFixture.peer(AgentFixture.ownPid()));
        } catch (AgentException e) {
          return e.kind() + " " + e.getMessage();
        }
      }
      case "moves" -> {
        var moves = agent.stats().demoted();
        return moves.bytes() + " " + moves.copying().toNanos() + " " + moves.closed().toNanos();
      }
      case "swap" -> {
        try {
          agent.swapTenant(
              words[2],
              SwapWay.valueOf(words[1].toUpperCase(Locale.ROOT)),
              AgentFixture.peer(AgentFixture.ownPid()));
        } catch (AgentException e) {
          return e.kind() + " " + e.getMessage();
        }
      }
      case "swaps" -> {
        return agent.stats().swapOuts() + " " + agent.stats().returns().count();
      }
      case "dives" -> {
        return Long.toString(agent.stats().dives());
      }
      case "end" -> agent.endTenant(words[1], AgentFixture.peer(AgentFixture.ownPid()));
      default -> agent.close();
    }
    return "ok";
  }
}
