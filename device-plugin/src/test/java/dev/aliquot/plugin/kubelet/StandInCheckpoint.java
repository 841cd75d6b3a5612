package dev.aliquot.plugin.kubelet;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aliquot.plugin.proto.deviceplugin.ContainerAllocateResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.zip.CRC32;

/** The kubelet's file of what it has allocated. Its checksum is another sum than the kubelet's. */
final class StandInCheckpoint {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;

  StandInCheckpoint(Path file) {
    this.file = file;
  }

  /** What a container has of a resource. */
  record Entry(
      String podUid,
      String container,
      String resource,
      Map<Integer, SortedSet<String>> idsByNuma,
      ContainerAllocateResponse response) {
    SortedSet<String> ids() {
      SortedSet<String> ids = new TreeSet<>();
      idsByNuma.values().forEach(of -> ids.addAll(of));
      return ids;
    }
  }

  void write(Collection<Entry> entries, Map<String, ? extends Collection<String>> healthy) {
    ObjectNode data = JSON.createObjectNode();
    ArrayNode list = data.putArray("PodDeviceEntries");
    for (Entry entry : entries) {
      ObjectNode node =
          list.addObject()
              .put("PodUID", entry.podUid())
              .put("ContainerName", entry.container())
              .put("ResourceName", entry.resource());
      ObjectNode ids = node.putObject("DeviceIDs");
      entry.idsByNuma().forEach((numa, of) -> of.forEach(ids.withArray(String.valueOf(numa))::add));
      node.put("AllocResp", Base64.getEncoder().encodeToString(entry.response().toByteArray()));
    }
    ObjectNode registered = data.putObject("RegisteredDevices");
    healthy.forEach((resource, ids) -> ids.forEach(registered.withArray(resource)::add));
    ObjectNode root = JSON.createObjectNode();
    root.set("Data", data);
    root.put("Checksum", sum(data));
    try {
      Path beside = file.resolveSibling(".kubelet_internal_checkpoint.new");
      Files.write(beside, JSON.writeValueAsBytes(root));
      Files.move(beside, file, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Nothing where it is not there or its checksum is wrong. */
  List<Entry> read() {
    try {
      JsonNode root = JSON.readTree(Files.readAllBytes(file));
      if (root.path("Checksum").asLong() != sum(root.path("Data"))) {
        return List.of();
      }
      List<Entry> entries = new ArrayList<>();
      for (JsonNode node : root.path("Data").path("PodDeviceEntries")) {
        Map<Integer, SortedSet<String>> ids = new TreeMap<>();
        for (Map.Entry<String, JsonNode> of : node.path("DeviceIDs").properties()) {
          SortedSet<String> there = new TreeSet<>();
          of.getValue().forEach(id -> there.add(id.asText()));
          ids.put(Integer.valueOf(of.getKey()), there);
        }
        entries.add(
            new Entry(
                node.path("PodUID").asText(),
                node.path("ContainerName").asText(),
                node.path("ResourceName").asText(),
                ids,
                ContainerAllocateResponse.parseFrom(
                    Base64.getDecoder().decode(node.path("AllocResp").asText()))));
      }
      return entries;
    } catch (IOException e) {
      return List.of();
    }
  }

  private static long sum(JsonNode data) {
    CRC32 sum = new CRC32();
    sum.update(data.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8));
    return sum.getValue();
  }
}
