package dev.aliquot.agent;

import dev.aliquot.agent.plugin.AnnotationSource;
import dev.aliquot.agent.plugin.Injections;
import dev.aliquot.agent.plugin.PodNode;
import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.PodSandbox;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.plugin.node.Grant;
import dev.aliquot.plugin.node.PodContainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Containers of pods on a simulated node: real processes, where a runtime would have put them. */
abstract class PodFixture extends AgentFixture {
  static final String REFUSED = "802";
  static final String POD = "0f9c5a3e-1b2d-4c6f-8a7b-1234567890ab";
  static final String OTHER_POD = "ffffffff-ffff-4fff-bfff-ffffffffffff";

  PodSandbox sandbox;
  PodNode node;

  @BeforeEach
  void serveNode() throws Exception {
    sandbox = PodSandbox.make();
    // containers' other users pass through it
    Files.setPosixFilePermissions(
        options.stateDir().getParent(), PosixFilePermissions.fromString("rwx--x--x"));
    node = open();
  }

  @AfterEach
  void endPods() throws IOException {
    if (sandbox != null) {
      sandbox.close();
    }
  }

  /** What annotations there are. */
  AnnotationSource pods() {
    return AnnotationSource.NONE;
  }

  PodNode open() throws IOException {
    return PodNode.of(agent, new Injections.Way.Environment(), "aliquot.dev", pods());
  }

  void restartNode() throws Exception {
    restartAgent();
    node = open();
  }

  /** Units of the first device. */
  Grant grant(int key, int units) {
    return new Grant(
        String.format("%016x", key), new TreeSet<>(List.of("id-" + key)), List.of(uuid(0)), units);
  }

  String uuid(int index) {
    return agent.view().devices().get(index).uuid();
  }

  static PodContainer container(String pod, String uid, String container) {
    return new PodContainer("shop", pod, uid, container);
  }

  static String id(int number) {
    return String.format("%064x", 0xabc0000 + number);
  }

  /** A CUDA program in a container. */
  Talker cuda(Grant grant, String podUid, String containerId) throws IOException {
    return sandbox.start(
        sandbox.group(podUid, containerId), node.injection(grant), program().toString());
  }

  static Path program() {
    return CProgram.of("cuda_tenant");
  }

  long fraction(int units) {
    long bytes = device().capacityBytes() * units / 100;
    return bytes - bytes % (2 * MIB);
  }
}
