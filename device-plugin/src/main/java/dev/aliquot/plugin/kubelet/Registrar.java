package dev.aliquot.plugin.kubelet;

import dev.aliquot.plugin.proto.deviceplugin.DevicePluginOptions;
import dev.aliquot.plugin.proto.deviceplugin.RegisterRequest;
import dev.aliquot.plugin.proto.deviceplugin.RegistrationGrpc;
import io.grpc.BindableService;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the plugin served and registered, whatever the kubelet does: it is started again, wipes
 * sockets, stops watching, or is not there. Serves first, then registers. Thread-safe.
 */
public final class Registrar implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Registrar.class);

  /** The kubelet dials the plugin from within, and gives that 10 s. */
  private static final long REGISTER_SECONDS = 12;

  private final Loops loops;
  private final KubeletPaths paths;
  private final RegistrationRules rules;
  private final RegistrationState state;
  private final DevicePluginOptions options;
  private final UnixServer plugin;
  private final UnixServer registration;
  private final UnixServer classic;
  private final Thread thread;
  private volatile boolean closed;
  private String trouble = "";

  /**
   * Does nothing before {@link #start}.
   *
   * @param service the device plugin
   * @param options as the service answers them
   */
  public Registrar(
      Loops loops,
      KubeletPaths paths,
      RegistrationRules rules,
      RegistrationState state,
      BindableService service,
      DevicePluginOptions options) {
    this.loops = loops;
    this.paths = paths;
    this.rules = rules;
    this.options = options;
    this.state = state;
    plugin = new UnixServer(loops, paths.plugin(), service);
    registration =
        new UnixServer(loops, paths.registration(), new RegistrationService(paths, state));
    classic = new UnixServer(loops, paths.classic(), service);
    thread = Thread.ofPlatform().daemon().name("plugin-registrar").unstarted(this::work);
  }

  /** Serves and registers, on a thread of its own. */
  public synchronized void start() {
    if (!closed) {
      thread.start();
    }
  }

  /** Ends serving; the kubelet notices at once. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
    }
    thread.interrupt();
    try {
      thread.join(TimeUnit.SECONDS.toMillis(REGISTER_SECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    registration.close();
    classic.close();
    plugin.close();
  }

  private void work() {
    while (!closed) {
      try {
        look();
      } catch (IOException | RuntimeException e) {
        trouble(String.valueOf(e.getMessage()));
      }
      try {
        Thread.sleep(rules.look());
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private void look() throws IOException {
    if (!Files.isDirectory(paths.folder())) {
      throw new IOException("the kubelet's folder " + paths.folder() + " is not there");
    }
    plugin.ensure();
    // A file that another agent left there is not ours, and is made anew at the first look.
    registration.ensure();
    switch (state.look(SocketId.of(paths.kubelet()))) {
      case ANNOUNCE -> registration.renew();
      case CALL -> call();
      case NOTHING -> {}
    }
    trouble("");
  }

  private void call() throws IOException {
    classic.ensure();
    ManagedChannel channel = loops.channel(paths.kubelet());
    try {
      RegistrationGrpc.newBlockingStub(channel)
          .withDeadlineAfter(REGISTER_SECONDS, TimeUnit.SECONDS)
          .register(
              RegisterRequest.newBuilder()
                  .setVersion("v1beta1")
                  .setEndpoint(paths.classic().getFileName().toString())
                  .setResourceName(paths.resource())
                  .setOptions(options)
                  .build());
      state.registered(Way.CALL);
    } catch (StatusRuntimeException e) {
      state.lost(
          "the kubelet does not take the device plugin: "
              + e.getStatus().getCode()
              + (e.getStatus().getDescription() == null
                  ? ""
                  : ", " + e.getStatus().getDescription()));
    } finally {
      channel.shutdownNow();
    }
  }

  private void trouble(String now) {
    if (!now.equals(trouble)) {
      if (!now.isEmpty()) {
        LOG.warn("the device plugin cannot be served: {}; tried again", now);
        state.failed("the device plugin cannot be served: " + now);
      }
      trouble = now;
    }
  }
}
