package dev.aliquot.agent.support;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.plugin.kubelet.Loops;
import dev.aliquot.plugin.kubelet.PodSpec;
import dev.aliquot.plugin.node.Injection;
import dev.aliquot.plugin.proto.runtime.ContainerConfig;
import dev.aliquot.plugin.proto.runtime.ContainerMetadata;
import dev.aliquot.plugin.proto.runtime.ContainerState;
import dev.aliquot.plugin.proto.runtime.ContainerStatusRequest;
import dev.aliquot.plugin.proto.runtime.CreateContainerRequest;
import dev.aliquot.plugin.proto.runtime.ExecSyncRequest;
import dev.aliquot.plugin.proto.runtime.ImageSpec;
import dev.aliquot.plugin.proto.runtime.Int64Value;
import dev.aliquot.plugin.proto.runtime.KeyValue;
import dev.aliquot.plugin.proto.runtime.LinuxContainerConfig;
import dev.aliquot.plugin.proto.runtime.LinuxContainerSecurityContext;
import dev.aliquot.plugin.proto.runtime.LinuxPodSandboxConfig;
import dev.aliquot.plugin.proto.runtime.LinuxSandboxSecurityContext;
import dev.aliquot.plugin.proto.runtime.Mount;
import dev.aliquot.plugin.proto.runtime.NamespaceMode;
import dev.aliquot.plugin.proto.runtime.NamespaceOption;
import dev.aliquot.plugin.proto.runtime.PodSandboxConfig;
import dev.aliquot.plugin.proto.runtime.PodSandboxMetadata;
import dev.aliquot.plugin.proto.runtime.RemovePodSandboxRequest;
import dev.aliquot.plugin.proto.runtime.RunPodSandboxRequest;
import dev.aliquot.plugin.proto.runtime.RuntimeServiceGrpc;
import dev.aliquot.plugin.proto.runtime.RuntimeServiceGrpc.RuntimeServiceBlockingStub;
import dev.aliquot.plugin.proto.runtime.SecurityProfile;
import dev.aliquot.plugin.proto.runtime.StartContainerRequest;
import dev.aliquot.plugin.proto.runtime.StopContainerRequest;
import dev.aliquot.plugin.proto.runtime.StopPodSandboxRequest;
import dev.aliquot.plugin.proto.runtime.VersionRequest;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A containerd that somebody else has started, asked as the kubelet asks it: pods on the host's
 * network, containers with what the kubelet was told to mount, in the control groups of the
 * kubelet's cgroupfs driver, with the runtime's default rules for system calls.
 */
public final class Containerd implements AutoCloseable {
  /** The container's standard input and output are pipes in a folder that is mounted. */
  private static final String TALK = "/talk";

  private static final String INSIDE = "exec \"$@\" <" + TALK + "/in >" + TALK + "/out";

  /** Its output ends when the container's does. */
  private static final String OUTSIDE = "cat \"$1\"/out & exec cat >\"$1\"/in";

  private static final long EXEC_SECONDS = 120;
  private static final String IMAGE = "localhost/aliquot-check:1";

  private final Path folder;
  private final Loops loops = new Loops();
  private final ManagedChannel channel;
  private final List<Pod> pods = new ArrayList<>();
  private final List<Talker> talkers = new ArrayList<>();
  private int containers;

  /**
   * @param folder of daemonset/containerd/check: has {@code containerd.sock}, {@code
   *     containerd.pid}, and the folder {@code pods}
   */
  public Containerd(Path folder) {
    this.folder = folder;
    channel = loops.channel(folder.resolve("containerd.sock"));
  }

  /** A pod's sandbox. */
  public record Pod(String sandbox, PodSandboxConfig config) {}

  /**
   * A container that runs.
   *
   * @param id containerd's
   * @param main its first process
   */
  public record Container(String id, Talker main) {}

  /** What a command in a container has written to its standard output, and its exit code. */
  public record Said(int code, String out) {}

  /** Starts a pod's sandbox. */
  public Pod pod(PodSpec pod) {
    PodSandboxConfig config =
        PodSandboxConfig.newBuilder()
            .setMetadata(
                PodSandboxMetadata.newBuilder()
                    .setName(pod.name())
                    .setUid(pod.uid())
                    .setNamespace(pod.namespace()))
            .setLinux(
                LinuxPodSandboxConfig.newBuilder()
                    .setCgroupParent(
                        "/" + folder.getFileName() + "/kubepods/burstable/pod" + pod.uid())
                    .setSecurityContext(
                        LinuxSandboxSecurityContext.newBuilder()
                            .setNamespaceOptions(namespaces())
                            .setSeccomp(SecurityProfile.getDefaultInstance())))
            .build();
    String id =
        runtime()
            .runPodSandbox(RunPodSandboxRequest.newBuilder().setConfig(config).build())
            .getPodSandboxId();
    Pod made = new Pod(id, config);
    pods.add(made);
    return made;
  }

  /** Starts a container of the pod; it may have been there before, under another id. */
  public Container start(Pod pod, String name, int user, Injection injection, String... command)
      throws IOException {
    int attempt = containers++;
    Path talk = pipes(user);
    ContainerConfig.Builder config =
        ContainerConfig.newBuilder()
            .setMetadata(ContainerMetadata.newBuilder().setName(name).setAttempt(attempt))
            .setImage(ImageSpec.newBuilder().setImage(IMAGE))
            .addAllCommand(List.of("/bin/sh", "-c", INSIDE, "sh"))
            .addAllCommand(List.of(command))
            .addMounts(mount(talk.toString(), TALK, false))
            .setLinux(
                LinuxContainerConfig.newBuilder()
                    .setSecurityContext(
                        LinuxContainerSecurityContext.newBuilder()
                            .setNamespaceOptions(namespaces())
                            .setRunAsUser(Int64Value.newBuilder().setValue(user))
                            .setNoNewPrivs(true)
                            .setSeccomp(SecurityProfile.getDefaultInstance())));
    injection
        .mounts()
        .forEach(
            each ->
                config.addMounts(mount(each.hostPath(), each.containerPath(), each.readOnly())));
    injection
        .environment()
        .forEach(
            (key, value) ->
                config.addEnvs(KeyValue.newBuilder().setKey(key).setValue(value).build()));
    String id =
        runtime()
            .createContainer(
                CreateContainerRequest.newBuilder()
                    .setPodSandboxId(pod.sandbox())
                    .setConfig(config)
                    .setSandboxConfig(pod.config())
                    .build())
            .getContainerId();
    runtime().startContainer(StartContainerRequest.newBuilder().setContainerId(id).build());
    Talker main = Talker.start(Map.of(), Path.of("/bin/sh"), "-c", OUTSIDE, "sh", talk.toString());
    talkers.add(main);
    return new Container(id, main);
  }

  /** Runs a command in a container to its end, as {@code kubectl exec} and probes do. */
  public Said exec(Container container, String... command) {
    var answer =
        runtime()
            .execSync(
                ExecSyncRequest.newBuilder()
                    .setContainerId(container.id())
                    .addAllCmd(List.of(command))
                    .setTimeout(EXEC_SECONDS)
                    .build());
    return new Said(answer.getExitCode(), answer.getStdout().toStringUtf8().strip());
  }

  public boolean isRunning(Container container) {
    return runtime()
            .containerStatus(
                ContainerStatusRequest.newBuilder().setContainerId(container.id()).build())
            .getStatus()
            .getState()
        == ContainerState.CONTAINER_RUNNING;
  }

  /** Ends a container as the kubelet does that has waited long enough. */
  public void stop(Container container) {
    runtime()
        .stopContainer(StopContainerRequest.newBuilder().setContainerId(container.id()).build());
  }

  /** Ends a pod with all its containers and removes it. */
  public void remove(Pod pod) {
    runtime()
        .stopPodSandbox(StopPodSandboxRequest.newBuilder().setPodSandboxId(pod.sandbox()).build());
    runtime()
        .removePodSandbox(
            RemovePodSandboxRequest.newBuilder().setPodSandboxId(pod.sandbox()).build());
    pods.remove(pod);
  }

  /** kill -9; answers when it was started again by who has started it, and answers. */
  public void kill() throws IOException {
    long pid = pid();
    ProcessHandle.of(pid).orElseThrow().destroyForcibly();
    Eventually.soon(
        () -> {
          assertThat(pid()).isNotEqualTo(pid);
          assertThat(runtime().version(VersionRequest.getDefaultInstance()).getRuntimeName())
              .isEqualTo("containerd");
        });
  }

  @Override
  public void close() {
    for (Talker each : talkers) {
      ProcessHandle.of(each.pid()).stream()
          .flatMap(ProcessHandle::descendants)
          .forEach(ProcessHandle::destroyForcibly);
      each.close();
    }
    List.copyOf(pods).forEach(this::remove);
    channel.shutdownNow();
    loops.close();
  }

  private long pid() throws IOException {
    return Long.parseLong(Files.readString(folder.resolve("containerd.pid")).strip());
  }

  private Path pipes(int user) throws IOException {
    Path made = Files.createTempDirectory(folder.resolve("pods"), "talk");
    Files.setPosixFilePermissions(made, PosixFilePermissions.fromString("rwx--x--x"));
    for (String name : List.of("in", "out")) {
      Path pipe = made.resolve(name);
      int code;
      try {
        code = new ProcessBuilder("mkfifo", pipe.toString()).inheritIO().start().waitFor();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
      assertThat(code).isZero();
      Files.setAttribute(pipe, "unix:uid", user);
    }
    return made;
  }

  private static Mount mount(String host, String container, boolean readOnly) {
    return Mount.newBuilder()
        .setHostPath(host)
        .setContainerPath(container)
        .setReadonly(readOnly)
        .build();
  }

  /** The kubelet's: pids are each container's own. */
  private static NamespaceOption namespaces() {
    return NamespaceOption.newBuilder()
        .setNetwork(NamespaceMode.NODE)
        .setPid(NamespaceMode.CONTAINER)
        .build();
  }

  private RuntimeServiceBlockingStub runtime() {
    return RuntimeServiceGrpc.newBlockingStub(channel)
        .withWaitForReady()
        .withDeadlineAfter(3, TimeUnit.MINUTES);
  }
}
