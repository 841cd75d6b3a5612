package dev.aliquot.plugin.state;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aliquot.plugin.ledger.KeptGrant;
import dev.aliquot.plugin.node.Grant;
import dev.aliquot.plugin.node.PodContainer;
import dev.aliquot.plugin.unit.GrantKey;
import dev.aliquot.plugin.unit.UnitId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/** The grants in a file, which is there whole or not at all whenever the machine stops. */
public final class StateFile {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int VERSION = 1;

  /** More than any node has devices, ids and pods for. */
  private static final long MAX_BYTES = 32L << 20;

  private final Path file;

  /**
   * @param file in a folder that this agent alone writes
   */
  public StateFile(Path file) {
    this.file = file;
  }

  /**
   * What an earlier agent kept; nothing where there is no file.
   *
   * @throws IOException when the file is there and cannot be understood; it is put aside, so that
   *     the next one is not written over it
   */
  public List<KeptGrant> read() throws IOException {
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new IOException("larger than " + (MAX_BYTES >> 20) + " MiB");
      }
      JsonNode root = JSON.readTree(Files.readAllBytes(file));
      if (root.path("version").asInt() != VERSION) {
        throw new IOException("its version is not " + VERSION);
      }
      List<KeptGrant> grants = new ArrayList<>();
      for (JsonNode node : root.path("grants")) {
        grants.add(grant(node));
      }
      return grants;
    } catch (NoSuchFileException e) {
      return List.of();
    } catch (IOException e) {
      Path aside = file.resolveSibling(file.getFileName() + ".unreadable");
      Files.move(file, aside, StandardCopyOption.REPLACE_EXISTING);
      throw new IOException(
          file
              + " cannot be understood ("
              + e.getMessage()
              + ") and is now "
              + aside.getFileName()
              + "; which container has which device is learnt anew from the kubelet",
          e);
    }
  }

  /**
   * Replaces the file.
   *
   * @throws IOException when it cannot be, with a sentence; the old one is as it was
   */
  public void write(List<KeptGrant> grants) throws IOException {
    ObjectNode root = JSON.createObjectNode().put("version", VERSION);
    ArrayNode nodes = root.putArray("grants");
    grants.forEach(grant -> nodes.add(node(grant)));
    Path beside = file.resolveSibling("." + file.getFileName() + ".new");
    try {
      Files.deleteIfExists(beside);
      try (FileChannel channel =
          FileChannel.open(
              beside,
              Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW),
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
        ByteBuffer content = ByteBuffer.wrap(JSON.writeValueAsBytes(root));
        while (content.hasRemaining()) {
          channel.write(content);
        }
        channel.force(true);
      }
      Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      IOException sentence =
          new IOException(
              file
                  + " cannot be written ("
                  + e.getMessage()
                  + "): make room on its file system, or make it writable",
              e);
      try {
        // A full file system is no fuller for what could not be written.
        Files.deleteIfExists(beside);
      } catch (IOException stays) {
        sentence.addSuppressed(stays);
      }
      throw sentence;
    }
  }

  private static ObjectNode node(KeptGrant kept) {
    ObjectNode node = JSON.createObjectNode();
    ArrayNode ids = node.putArray("ids");
    kept.grant().ids().forEach(ids::add);
    ArrayNode devices = node.putArray("devices");
    kept.grant().devices().forEach(devices::add);
    PodContainer holder = kept.holder();
    if (holder != null) {
      node.putObject("holder")
          .put("namespace", holder.namespace())
          .put("pod", holder.pod())
          .put("podUid", holder.podUid())
          .put("container", holder.container());
    }
    if (kept.passedOn()) {
      node.put("passedOn", true);
    }
    return node;
  }

  private static KeptGrant grant(JsonNode node) throws IOException {
    SortedSet<String> ids = new TreeSet<>(texts(node.path("ids")));
    List<String> devices = texts(node.path("devices"));
    boolean valid = !ids.isEmpty() && ids.stream().allMatch(id -> UnitId.parse(id).isPresent());
    if (!valid || devices.size() != Math.max(1, ids.size() / UnitId.PER_DEVICE)) {
      throw new IOException("a grant in it has ids or devices that no grant has");
    }
    Grant grant =
        new Grant(GrantKey.of(ids), ids, devices, Math.min(ids.size(), UnitId.PER_DEVICE));
    JsonNode holder = node.path("holder");
    return new KeptGrant(
        grant,
        holder.isObject()
            ? new PodContainer(
                holder.path("namespace").asText(),
                holder.path("pod").asText(),
                holder.path("podUid").asText(),
                holder.path("container").asText())
            : null,
        node.path("passedOn").asBoolean());
  }

  private static List<String> texts(JsonNode array) {
    List<String> texts = new ArrayList<>();
    array.forEach(text -> texts.add(text.asText()));
    return List.copyOf(texts);
  }
}
