package dev.aliquot.plugin.kubelet;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.aliquot.plugin.pod.CheckpointEntry;
import dev.aliquot.plugin.proto.deviceplugin.ContainerAllocateResponse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * The kubelet's file of what it has allocated: the only place that has pods' uids and ids together.
 * It is no API, so that whatever is not as expected is as if it were not there. Its checksum is
 * over the Go program's own printing of its data and is not checked: a line counts only where its
 * ids and container are those that the kubelet names otherwise. Thread-safe.
 */
final class CheckpointFile {
  /** A hundred times what 6,400 ids take. */
  private static final long MAX_BYTES = 32L << 20;

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final String resource;

  CheckpointFile(Path file, String resource) {
    this.file = file;
    this.resource = resource;
  }

  /** Its entries for the resource; none where it is not there, or is anything else. */
  List<CheckpointEntry> read() {
    try {
      if (!Files.isRegularFile(file) || Files.size(file) > MAX_BYTES) {
        return List.of();
      }
      JsonNode root = JSON.readTree(Files.readAllBytes(file));
      List<CheckpointEntry> entries = new ArrayList<>();
      for (JsonNode entry : root.path("Data").path("PodDeviceEntries")) {
        if (entry.path("ResourceName").asText().equals(resource)) {
          entries.add(entry(entry));
        }
      }
      return List.copyOf(entries);
    } catch (IOException | RuntimeException e) {
      return List.of();
    }
  }

  private static CheckpointEntry entry(JsonNode entry) {
    SortedSet<String> ids = new TreeSet<>();
    for (JsonNode ofNumaNode : entry.path("DeviceIDs")) {
      ofNumaNode.forEach(id -> ids.add(id.asText()));
    }
    return new CheckpointEntry(
        entry.path("PodUID").asText(),
        entry.path("ContainerName").asText(),
        ids,
        devices(entry.path("AllocResp").asText()));
  }

  private static List<String> devices(String response) {
    try {
      String devices =
          ContainerAllocateResponse.parseFrom(Base64.getDecoder().decode(response))
              .getAnnotationsOrDefault(CheckpointEntry.DEVICES_ANNOTATION, "");
      return devices.isEmpty() ? List.of() : List.of(devices.split(","));
    } catch (IllegalArgumentException | InvalidProtocolBufferException e) {
      return List.of();
    }
  }
}
