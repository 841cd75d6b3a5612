package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.plugin.node.Grant;
import dev.aliquot.plugin.node.Injection;
import dev.aliquot.plugin.node.NodeDevice;
import dev.aliquot.plugin.node.NotYetException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Containers of pods: who is which, and what each is held to. */
class PodTenantTest extends PodFixture {
  private static final String WEB = "shop/web-1/app";

  @Test
  void aContainerIsHeldToItsShareAndItsNeighbourIsNot() throws Exception {
    Grant web = grant(1, 25);
    Grant other = grant(2, 50);
    node.bind(web, container("web-1", POD, "app"));
    node.bind(other, container("web-2", OTHER_POD, "app"));
    assertThat(view(WEB).requestBytes()).isEqualTo(fraction(25));
    assertThat(view(WEB).limitBytes()).isEqualTo(fraction(25));
    assertThat(view(WEB))
        .extracting("id", "namespace", "pod", "container")
        .containsExactly(web.key(), "shop", "web-1", "app");

    Talker server = cuda(web, POD, id(1));
    Talker neighbour = cuda(other, OTHER_POD, id(2));
    assertThat(server.say("init")).isEqualTo(SUCCESS);
    assertThat(neighbour.say("init")).isEqualTo(SUCCESS);
    assertThat(server.say("alloc " + GIB)).isEqualTo(SUCCESS);
    assertThat(server.say("alloc " + GIB)).as("beyond its share").isEqualTo(OUT_OF_MEMORY);
    assertThat(neighbour.say("alloc " + 3 * GIB)).isEqualTo(SUCCESS);
    assertThat(neighbour.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
    assertThat(node.isInUse(web.key())).isTrue();
    Eventually.soon(
        () -> {
          assertThat(view(WEB).usedBytes()).isEqualTo(GIB + CONTEXT);
          assertThat(device().strangers()).isEmpty();
        });
  }

  @Test
  void programsWithoutAnEnvironmentAndOfOtherUsersAreHeldToo() throws Exception {
    Grant web = grant(1, 25);
    node.bind(web, container("web-1", POD, "app"));
    Talker bare =
        sandbox.start(
            sandbox.group(POD, id(1)), node.injection(web), "env", "-i", program().toString());
    assertThat(bare.say("init")).isEqualTo(SUCCESS);
    assertThat(bare.say("alloc " + 2 * GIB)).isEqualTo(OUT_OF_MEMORY);
    Talker nobody =
        sandbox.start(
            sandbox.group(POD, id(1)),
            node.injection(web),
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            program().toString());
    assertThat(nobody.say("init")).isEqualTo(SUCCESS);
    assertThat(nobody.say("alloc " + 2 * GIB)).isEqualTo(OUT_OF_MEMORY);
    Talker below =
        sandbox.start(
            sandbox.group(POD, id(1) + "/kubepods/pod" + OTHER_POD + "/" + id(9)),
            node.injection(web),
            program().toString());
    assertThat(below.say("init")).as("in a group of its own making").isEqualTo(SUCCESS);
    Eventually.soon(() -> assertThat(view(WEB).processes()).hasSize(3));
  }

  @Test
  void whoIsInAnotherContainerIsRefused() throws Exception {
    Grant web = grant(1, 25);
    Grant side = grant(2, 10);
    node.bind(web, container("web-1", POD, "app"));
    node.bind(side, container("web-1", POD, "side"));
    Talker sidecar = cuda(side, POD, id(2));
    assertThat(sidecar.say("init")).isEqualTo(SUCCESS);

    assertThat(cuda(web, POD, id(2)).say("init"))
        .as("a sibling that has a tenant of its own, before the container has started")
        .isEqualTo(REFUSED);
    assertThat(cuda(web, OTHER_POD, id(3)).say("init")).as("another pod").isEqualTo(REFUSED);
    Talker outside = sandbox.start(sandbox.otherGroup(), node.injection(web), program().toString());
    assertThat(outside.say("init")).as("no pod at all").isEqualTo(REFUSED);

    Talker server = cuda(web, POD, id(1));
    assertThat(server.say("init")).isEqualTo(SUCCESS);
    assertThat(cuda(web, POD, id(4)).say("init")).as("a sibling, later").isEqualTo(REFUSED);
    assertThat(server.say("alloc " + GIB)).isEqualTo(SUCCESS);
  }

  @Test
  void whoseUidIsNotKnownIsLearntFromTheFirstThatComes() throws Exception {
    Grant web = grant(1, 25);
    node.bind(web, container("web-1", "", "app"));
    assertThat(cuda(web, POD, id(1)).say("init")).isEqualTo(SUCCESS);
    assertThat(cuda(web, OTHER_POD, id(2)).say("init")).isEqualTo(REFUSED);
    node.bind(web, container("web-1", POD, "app"));
    assertThat(cuda(web, POD, id(3)).say("init")).as("started again").isEqualTo(SUCCESS);
  }

  @Test
  void aContainerThatIsStartedAgainGoesOnUnderAnotherId() throws Exception {
    Grant web = grant(1, 25);
    node.bind(web, container("web-1", POD, "app"));
    Path folder = folder(web);
    Object inode = Files.getAttribute(folder.resolve("control"), "unix:ino");
    Talker first = cuda(web, POD, id(1));
    assertThat(first.say("init")).isEqualTo(SUCCESS);
    assertThat(first.say("alloc " + GIB)).isEqualTo(SUCCESS);
    first.kill();
    assertThat(cuda(web, POD, id(2)).say("init")).as("not before it is bound").isEqualTo(REFUSED);

    node.bind(web, container("web-1", POD, "app"));
    Talker second = cuda(web, POD, id(2));
    assertThat(second.say("init")).isEqualTo(SUCCESS);
    assertThat(second.say("alloc " + GIB)).isEqualTo(SUCCESS);
    assertThat(cuda(web, POD, id(1)).say("init")).as("the old one").isEqualTo(REFUSED);
    assertThat(Files.getAttribute(folder.resolve("control"), "unix:ino")).isEqualTo(inode);
  }

  @Test
  void theNextContainerWithTheSameIdsGetsATenantOfItsOwn() throws Exception {
    Grant web = grant(1, 25);
    node.bind(web, container("web-1", POD, "init"));
    Talker init = cuda(web, POD, id(1));
    assertThat(init.say("init")).isEqualTo(SUCCESS);
    assertThat(init.say("alloc " + GIB)).isEqualTo(SUCCESS);
    assertThatThrownBy(() -> node.bind(web, container("web-1", POD, "app")))
        .isInstanceOf(NotYetException.class)
        .hasMessageContaining("processes of shop/web-1/init")
        .hasMessageContaining("are still there");
    init.kill();
    node.bind(web, container("web-1", POD, "app"));
    Talker server = cuda(web, POD, id(2));
    assertThat(server.say("init")).isEqualTo(SUCCESS);
    assertThat(server.say("alloc " + GIB)).isEqualTo(SUCCESS);
    assertThat(exists("shop/web-1/init")).isFalse();
    server.kill();

    node.bind(web, container("web-1", OTHER_POD, "app"));
    assertThat(cuda(web, POD, id(2)).say("init")).as("the earlier pod").isEqualTo(REFUSED);
    assertThat(cuda(web, OTHER_POD, id(3)).say("init")).isEqualTo(SUCCESS);
  }

  @Test
  void aPodThatIsMadeAnewUnderItsNameHasItsOwnTenantBesideTheOld() throws Exception {
    node.bind(grant(1, 25), container("web-1", POD, "app"));
    node.bind(grant(2, 25), container("web-1", OTHER_POD, "app"));
    assertThat(agent.view().tenants())
        .extracting("name")
        .containsExactlyInAnyOrder(WEB, WEB + "-00000000");
    assertThat(cuda(grant(2, 25), OTHER_POD, id(1)).say("init")).isEqualTo(SUCCESS);
  }

  @Test
  void whatIsReleasedIsFreeWhenItsLastProcessHasEnded() throws Exception {
    Grant web = grant(1, 60);
    node.bind(web, container("web-1", POD, "app"));
    Talker server = cuda(web, POD, id(1));
    assertThat(server.say("init")).isEqualTo(SUCCESS);
    Grant next = grant(2, 60);
    assertThatThrownBy(() -> node.bind(next, container("web-2", OTHER_POD, "app")))
        .isInstanceOf(NotYetException.class)
        .hasMessageContaining("free");
    node.release(web.key());
    node.release(web.key());
    assertThat(server.say("alloc " + 2 * MIB)).isEqualTo(OUT_OF_MEMORY);
    server.kill();
    Eventually.soon(() -> node.bind(next, container("web-2", OTHER_POD, "app")));
    assertThat(folder(web)).doesNotExist();
    assertThat(node.isInUse(web.key())).isFalse();
  }

  @Test
  void anotherAgentGoesOnWithWhoIsWho() throws Exception {
    Grant web = grant(1, 25);
    Grant late = grant(2, 25);
    node.bind(web, container("web-1", POD, "app"));
    node.bind(late, container("web-1", POD, "late"));
    Talker server = cuda(web, POD, id(1));
    assertThat(server.say("init")).isEqualTo(SUCCESS);
    assertThat(server.say("alloc " + GIB)).isEqualTo(SUCCESS);
    restartNode();
    assertThat(node.isInUse(web.key())).isTrue();
    assertThat(server.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
    assertThat(server.say("free")).isEqualTo(SUCCESS);
    assertThat(server.say("alloc " + GIB)).isEqualTo(SUCCESS);
    assertThat(cuda(web, POD, id(1)).say("init")).as("another program of it").isEqualTo(SUCCESS);
    assertThat(cuda(web, POD, id(2)).say("init")).as("a sibling").isEqualTo(REFUSED);
    assertThat(cuda(late, POD, id(2)).say("init")).as("its own").isEqualTo(SUCCESS);
    node.bind(web, container("web-1", POD, "app"));
    assertThat(exists(WEB)).isTrue();
  }

  /** Nothing is preloaded into it any more; its container is known by its mounts. */
  @Test
  void whoGetsAtTheDriverWithoutTheLibraryIsChargedToItsContainer() throws Exception {
    Grant web = grant(1, 25);
    Grant side = grant(2, 25);
    node.bind(web, container("web-1", POD, "app"));
    node.bind(side, container("web-1", POD, "side"));
    Path driver = driver(web);
    Talker hidden =
        sandbox.start(
            sandbox.group(POD, id(1)),
            node.injection(web),
            "sh",
            "-c",
            "umount /etc/ld.so.preload && exec env -i \"$@\"",
            "sh",
            program().toString(),
            driver.toString());
    assertThat(hidden.say("init")).isEqualTo(SUCCESS);
    assertThat(hidden.say("alloc " + GIB)).isEqualTo(SUCCESS);
    Eventually.soon(
        () -> {
          assertThat(view(WEB).usedBytes()).isGreaterThanOrEqualTo(GIB);
          assertThat(view(WEB).bypasses()).hasSize(1);
          assertThat(node.isInUse(web.key())).isTrue();
        });
    assertThat(view("shop/web-1/side").usedBytes()).isZero();
    assertThat(device().strangers()).isEmpty();
  }

  /** Its mount has the name of a tenant's folder, and is of a file system of its own. */
  @Test
  void whoForgesTheMountOfAnotherContainerIsNotChargedToIt() throws Exception {
    Grant web = grant(1, 25);
    node.bind(web, container("web-1", POD, "app"));
    Path folder = folder(web);
    Talker forger =
        sandbox.start(
            sandbox.group(POD, id(2)),
            new Injection(Map.of(), List.of(), List.of(), List.of()),
            "sh",
            "-c",
            "mount -t tmpfs none /usr/local && mkdir -p /usr/local\"$1\" /run/aliquot/tenant"
                + " && mount --bind /usr/local\"$1\" /run/aliquot/tenant && shift"
                + " && exec env -i \"$@\"",
            "sh",
            folder.toString(),
            program().toString(),
            driver(web).toString());
    assertThat(forger.say("init")).isEqualTo(SUCCESS);
    assertThat(forger.say("alloc " + GIB)).isEqualTo(SUCCESS);
    assertThat(Files.readString(Path.of("/proc/" + forger.pid() + "/mountinfo")))
        .contains(folder + " /run/aliquot/tenant");
    Eventually.soon(() -> assertThat(device().strangers()).hasSize(1));
    assertThat(view(WEB).usedBytes()).isZero();
    assertThat(view(WEB).bypasses()).isEmpty();
    Talker server = cuda(web, POD, id(1));
    assertThat(server.say("init")).as("the one that it is for").isEqualTo(SUCCESS);
  }

  private Path folder(Grant grant) {
    return options.stateDir().resolve("pods").resolve(grant.key());
  }

  /** The driver itself, without the library. */
  private Path driver(Grant grant) throws Exception {
    return BypassFixture.driver(folder(grant));
  }

  /** The loader takes what LD_PRELOAD says from them, and not what the file says. */
  @Test
  void aProgramThatTakesOnAnotherUserIsHeldToo() throws Exception {
    Grant web = grant(1, 25);
    node.bind(web, container("web-1", POD, "app"));
    Talker setuid =
        sandbox.start(
            sandbox.group(POD, id(1)),
            node.injection(web),
            "sh",
            "-c",
            "mount -t tmpfs none /usr/local && cp \"$1\" /usr/local/p && chown 65534 /usr/local/p"
                + " && chmod 4755 /usr/local/p && exec /usr/local/p",
            "sh",
            program().toString());
    assertThat(setuid.say("init")).isEqualTo(SUCCESS);
    assertThat(Files.readString(Path.of("/proc/" + setuid.pid() + "/status")))
        .containsPattern("Uid:\\s+0\\s+65534");
    assertThat(setuid.say("alloc " + GIB)).isEqualTo(SUCCESS);
    assertThat(setuid.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
  }

  @Test
  void rootInAContainerCannotWriteWhatIsTheAgents() throws Exception {
    Grant web = grant(1, 25);
    node.bind(web, container("web-1", POD, "app"));
    Talker root = sandbox.start(sandbox.group(POD, id(1)), node.injection(web), "sh");
    for (String attempt :
        List.of(
            "echo x > /run/aliquot/tenant/control",
            "echo x > /run/aliquot/tenant/new",
            "rm /run/aliquot/tenant/agent.sock",
            "mv /run/aliquot/tenant/control /run/aliquot/tenant/c",
            "chmod 777 /run/aliquot/tenant/control",
            "echo x > /opt/aliquot/lib/ld.so.preload",
            "echo x > /etc/ld.so.preload",
            "rm -rf /opt/aliquot/lib/current")) {
      assertThat(root.say("(" + attempt + ") 2>/dev/null && echo done || echo refused"))
          .as(attempt)
          .isEqualTo("refused");
    }
    Talker server = cuda(web, POD, id(1));
    assertThat(server.say("init")).isEqualTo(SUCCESS);
    assertThat(server.say("alloc " + GIB)).isEqualTo(SUCCESS);
    assertThat(server.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
  }

  /** As where host and image are of different families of distributions. */
  @Test
  void aDriverThatIsElsewhereInTheContainerIsFound() throws Exception {
    Grant web = grant(1, 25);
    node.bind(web, container("web-1", POD, "app"));
    String libraries = options.stateDir().resolveSibling("lib").toString();
    Talker server =
        sandbox.start(
            sandbox.group(POD, id(1)),
            node.injection(web),
            "sh",
            "-c",
            "mount -t tmpfs none /usr/local && mkdir -p /usr/local/nvidia/lib64"
                + " && cp -a \"$1\"/*/libcuda.so.1 \"$1\"/*/libnvidia-ml.so.1 \"$1\"/*/node-dir"
                + " /usr/local/nvidia/lib64 && mount -t tmpfs none \"$1\" && shift && exec \"$@\"",
            "sh",
            libraries,
            program().toString());
    assertThat(server.say("init")).isEqualTo(SUCCESS);
    assertThat(server.say("alloc " + GIB)).isEqualTo(SUCCESS);
    assertThat(server.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
  }

  /** Alpine's C library reads no file of what to preload, and cannot load the driver either. */
  @Test
  void aProgramOfMuslGetsNothingOfTheDevice() throws Exception {
    Grant web = grant(1, 25);
    node.bind(web, container("web-1", POD, "app"));
    Path program = CProgram.musl("musl_tenant");
    Talker musl =
        sandbox.start(
            sandbox.group(POD, id(1)),
            node.injection(web),
            program.toString(),
            options.stateDir().resolveSibling("lib").toString());
    assertThat(musl.answer()).contains("symbol not found");
    assertThat(view(WEB).processes()).isEmpty();
    assertThat(device().usedBytes()).isZero();
  }

  @Test
  void theImagesOwnPreloadIsKeptAndRunningProgramsKeepTheirVersion() throws Exception {
    Grant web = grant(1, 25);
    node.bind(web, container("web-1", POD, "app"));
    Talker server =
        sandbox.start(
            sandbox.group(POD, id(1)),
            node.injection(web),
            "env",
            "LD_PRELOAD=libutil.so.1",
            program().toString());
    assertThat(server.say("init")).isEqualTo(SUCCESS);
    String maps = Files.readString(Path.of("/proc/" + server.pid() + "/maps"));
    assertThat(maps).contains("libutil").contains("libaliquot-cuda.so");

    Path libraries = options.stateDir().resolveSibling("lib");
    Path version = Files.readSymbolicLink(libraries.resolve("current"));
    Path next = libraries.resolve("next");
    copy(libraries.resolve(version), next);
    Object preload = Files.getAttribute(libraries.resolve("ld.so.preload"), "unix:ino");
    Files.delete(libraries.resolve("current"));
    Files.createSymbolicLink(libraries.resolve("current"), Path.of("next"));
    Talker later =
        sandbox.start(sandbox.group(POD, id(1)), node.injection(web), program().toString());
    assertThat(later.say("init")).isEqualTo(SUCCESS);
    assertThat(Files.readString(Path.of("/proc/" + later.pid() + "/maps"))).contains("/lib/next/");
    node = open();
    assertThat(Files.readSymbolicLink(libraries.resolve("current"))).isEqualTo(version);
    assertThat(Files.getAttribute(libraries.resolve("ld.so.preload"), "unix:ino"))
        .as("what containers have mounted")
        .isEqualTo(preload);
    assertThat(server.say("alloc " + GIB)).isEqualTo(SUCCESS);
    assertThat(later.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
  }

  private static void copy(Path from, Path to) throws Exception {
    Process copy =
        new ProcessBuilder("cp", "-a", from.toString(), to.toString()).inheritIO().start();
    assertThat(copy.waitFor()).isZero();
  }

  @Test
  void aDeviceThatIsOutIsToldAtOnceAndHoldsContainersBack() throws Exception {
    List<List<NodeDevice>> told = Collections.synchronizedList(new ArrayList<>());
    node.whenDevicesChange(() -> told.add(node.devices()));
    assertThat(node.devices()).extracting(NodeDevice::healthy).containsExactly(true, true);
    simulate("recovery", "--device", "0", "--action", "4");
    Eventually.soon(() -> assertThat(told).isNotEmpty());
    assertThat(told.getFirst()).extracting(NodeDevice::healthy).containsExactly(false, true);
    assertThat(told.getFirst().getFirst().reason()).isNotEmpty();
    assertThatThrownBy(() -> node.bind(grant(1, 25), container("web-1", POD, "app")))
        .isInstanceOf(NotYetException.class)
        .hasMessageContaining("takes no tenants")
        .hasMessageContaining("draining");
    simulate("recovery", "--device", "0", "--action", "0");
    Eventually.soon(() -> node.bind(grant(1, 25), container("web-1", POD, "app")));
  }

  @Test
  void wholeDevicesAreOneTenants() throws Exception {
    Grant both =
        new Grant(
            "00000000000000aa", new TreeSet<>(List.of("a", "b")), List.of(uuid(0), uuid(1)), 100);
    node.bind(both, container("web-1", POD, "app"));
    assertThat(agent.view().tenants())
        .filteredOn(tenant -> tenant.name().equals(WEB))
        .extracting("requestBytes")
        .containsExactly(fraction(100), fraction(100));
    Talker server = cuda(both, POD, id(1));
    assertThat(server.say("init")).isEqualTo(SUCCESS);
    assertThat(server.say("devices")).startsWith("2");
  }
}
