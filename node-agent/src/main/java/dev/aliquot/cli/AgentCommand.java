package dev.aliquot.cli;

import dev.aliquot.agent.Agent;
import dev.aliquot.agent.AgentException;
import dev.aliquot.agent.AgentOptions;
import dev.aliquot.agent.Peer;
import dev.aliquot.agent.SwapWay;
import dev.aliquot.agent.admin.AdminSocket;
import dev.aliquot.agent.admin.TenantAdmin;
import dev.aliquot.agent.bypass.BypassOptions;
import dev.aliquot.agent.config.AgentConfig;
import dev.aliquot.agent.config.ConfigException;
import dev.aliquot.agent.config.ConfigKey;
import dev.aliquot.agent.config.ConfigKeys;
import dev.aliquot.agent.config.ConfigLoader;
import dev.aliquot.agent.config.EvictionPolicy;
import dev.aliquot.agent.config.MachineDefaults;
import dev.aliquot.agent.config.SimulatedNode;
import dev.aliquot.agent.health.HealthOptions;
import dev.aliquot.agent.http.ApiRoutes;
import dev.aliquot.agent.http.EventStream;
import dev.aliquot.agent.http.HttpServer;
import dev.aliquot.agent.http.Limits;
import dev.aliquot.agent.http.Route;
import dev.aliquot.agent.kubernetes.KubernetesOptions;
import dev.aliquot.agent.limits.LimitsOptions;
import dev.aliquot.agent.log.LogSetup;
import dev.aliquot.agent.metrics.MetricsPage;
import dev.aliquot.agent.pool.PoolOptions;
import dev.aliquot.agent.tenant.SwapOptions;
import dev.aliquot.agent.view.DrillSpec;
import dev.aliquot.agent.view.DrillView;
import dev.aliquot.agent.view.LiveView;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.agent.view.TenantGrant;
import dev.aliquot.agent.view.TenantResize;
import dev.aliquot.agent.view.TenantSpec;
import dev.aliquot.agent.web.WebRoutes;
import dev.aliquot.cli.client.CommandFailure;
import dev.aliquot.cli.client.ExitCode;
import dev.aliquot.cli.screen.Terminal;
import dev.aliquot.health.node.NodePolicy;
import dev.aliquot.residency.ResidencyRules;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/** The daemon. Its flags are the configuration's keys. */
@Command(
    description = "Serve this node's devices until ended by SIGTERM or CTRL-C.",
    footer = {
      "",
      "Each flag is also a key of the file and, as ALIQUOT_..., of the environment;",
      "docs/configuration.md lists them.",
      "",
      "Examples:",
      "  aliquot agent",
      "  aliquot agent --config /etc/aliquot/agent.yaml",
      "  aliquot agent --simulate devices=2,memory=16GiB,model=H100",
    })
final class AgentCommand implements Callable<Integer> {
  private static final int STOP_SECONDS = 10;

  private @Nullable CommandSpec spec;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "A YAML file of keys (or ALIQUOT_CONFIG).")
  private @Nullable Path config;

  @SuppressWarnings("UnusedVariable")
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help.")
  private boolean help;

  /** Adds a flag for every key. */
  @Spec
  void spec(CommandSpec command) {
    spec = command;
    for (ConfigKey<?> key : ConfigKeys.all()) {
      String text =
          key.description() + " (" + key.allowed() + "; default: " + key.defaultText() + ")";
      command.addOption(
          OptionSpec.builder(key.flag())
              .paramLabel(key.typeName().toUpperCase(java.util.Locale.ROOT))
              .type(String.class)
              .description(text.replace("%", "%%").replace("$", "$$"))
              .build());
    }
  }

  @Override
  public Integer call() throws CommandFailure, ConfigException, InterruptedException {
    AgentConfig settings = ConfigLoader.system().load(flags(), configFile());
    LogSetup.configure(
        settings.logLevel(), settings.logFormat(), Terminal.isTerminal(2), System.err);
    serve(settings);
    return ExitCode.OK;
  }

  private Map<String, String> flags() {
    Map<String, String> flags = new HashMap<>();
    if (spec == null) {
      return flags;
    }
    ParseResult given = spec.commandLine().getParseResult();
    for (ConfigKey<?> key : ConfigKeys.all()) {
      if (given.hasMatchedOption(key.flag())) {
        flags.put(key.name(), given.matchedOptionValue(key.flag(), ""));
      }
    }
    return flags;
  }

  private @Nullable Path configFile() {
    String fromEnvironment = System.getenv("ALIQUOT_CONFIG");
    return config != null || fromEnvironment == null || fromEnvironment.isEmpty()
        ? config
        : Path.of(fromEnvironment);
  }

  private static void serve(AgentConfig settings) throws CommandFailure, InterruptedException {
    Logger log = LoggerFactory.getLogger("dev.aliquot.agent");
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch done = new CountDownLatch(1);
    Thread stopper = new Thread(() -> stop(asked, done), "shutdown");
    Limits limits = new Limits(settings.httpMaxConnections(), settings.httpIdleTimeout());
    try (Agent agent = Agent.start(options(settings), InstantSource.system());
        Kubelet kubelet = Kubelet.serve(settings, agent);
        EventStream<LiveView> live = WebRoutes.live(() -> kubelet.shown(agent.live()), limits);
        HttpServer http = http(settings, limits, agent, live, kubelet);
        AdminSocket _ =
            AdminSocket.open(
                settings.stateDir(),
                settings.adminGroup(),
                MachineDefaults.ownUid(),
                admin(agent, kubelet))) {
      String address = text((InetSocketAddress) http.address());
      agent.announce(address);
      log.info("serving {} with HTTP on {}", settings.stateDir(), address);
      Runtime.getRuntime().addShutdownHook(stopper);
      asked.await();
      log.info("stopping; tenants run on within their credit");
    } catch (AgentException | IOException e) {
      throw new CommandFailure(ExitCode.FAILED, String.valueOf(e.getMessage()));
    } finally {
      done.countDown();
    }
  }

  /** A signal's hook: has the main thread close everything; being asked to stop is no failure. */
  private static void stop(CountDownLatch asked, CountDownLatch done) {
    asked.countDown();
    try {
      boolean closed = done.await(STOP_SECONDS, TimeUnit.SECONDS);
      Runtime.getRuntime().halt(closed ? ExitCode.OK : ExitCode.FAILED);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static HttpServer http(
      AgentConfig settings, Limits limits, Agent agent, EventStream<LiveView> live, Kubelet kubelet)
      throws IOException {
    Supplier<NodeView> view = () -> kubelet.shown(agent.view());
    List<Route> routes = new ArrayList<>(WebRoutes.over(live));
    routes.addAll(
        ApiRoutes.over(
            view, agent.health()::faults, agent::history, new MetricsPage(view, agent::stats)));
    return HttpServer.tcp(settings.httpAddress(), settings.httpPort(), limits, routes);
  }

  private static String text(InetSocketAddress address) {
    String host = address.getAddress().getHostAddress();
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + address.getPort();
  }

  private static TenantAdmin admin(Agent agent, Kubelet kubelet) {
    return new TenantAdmin() {
      @Override
      public TenantGrant createTenant(TenantSpec spec, Peer peer) throws AgentException {
        return agent.createTenant(spec, peer);
      }

      @Override
      public void resizeTenant(String idOrName, TenantResize change, Peer peer)
          throws AgentException {
        agent.resizeTenant(idOrName, change, peer);
      }

      @Override
      public void swapTenant(String idOrName, SwapWay way, Peer peer) throws AgentException {
        agent.swapTenant(idOrName, way, peer);
      }

      @Override
      public void endTenant(String idOrName, Peer peer) throws AgentException {
        agent.endTenant(idOrName, peer);
      }

      @Override
      public void clearDevice(String name, Peer peer) throws AgentException {
        agent.health().clear(name, peer);
      }

      @Override
      public DrillView drill(DrillSpec spec, Peer peer) throws AgentException {
        return agent.health().drill(spec, peer);
      }

      @Override
      public NodeView view() {
        return kubelet.shown(agent.view());
      }
    };
  }

  private static AgentOptions options(AgentConfig settings) {
    SimulatedNode simulate = settings.simulate();
    return new AgentOptions(
        settings.stateDir(),
        settings.nodeName(),
        Version.text(),
        simulate == null ? null : simulate.text(),
        settings.nvmlLibrary(),
        settings.cudaLibrary(),
        settings.libraryDir(),
        settings.headroomPercent(),
        settings.headroomMinBytes(),
        settings.samplePeriod(),
        settings.agentWait(),
        new PoolOptions(
            settings.hostPoolBytes(),
            settings.hostPoolReserveBytes(),
            settings.hostPoolPreparedBytes(),
            settings.lending()),
        new BypassOptions(
            settings.bypassPolicy(),
            settings.strangerPolicy(),
            settings.keeperPolicy(),
            settings.bypassToleranceBytes(),
            settings.bypassGrace()),
        new LimitsOptions(settings.memoryLimits(), settings.cgroupRoot()),
        new SwapOptions(
            settings.swap(),
            new ResidencyRules(settings.swapIdleAfter(), settings.swapMinimumResidency()),
            settings.swapDeepAfter(),
            settings.swapDeepLockTimeout()),
        new HealthOptions(
            settings.kernelLog(),
            settings.healthProfile(),
            settings.healthCatalogue(),
            settings.healthHold(),
            settings.expectedDevices(),
            settings.healthTenants(),
            HealthOptions.GRACE,
            settings.healthDeviceBreakerPercent()),
        new KubernetesOptions(
            settings.healthKubernetes(),
            new NodePolicy(
                settings.healthTaint(),
                settings.healthEvict() != EvictionPolicy.NONE,
                settings.healthHyperpod()),
            settings.healthEvict(),
            settings.healthBreakerPercent()));
  }
}
