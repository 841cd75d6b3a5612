package dev.aliquot.agent.health;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectReader;
import dev.aliquot.agent.kmsg.LogPosition;
import dev.aliquot.agent.state.DurableFile;
import dev.aliquot.agent.state.StateJson;
import dev.aliquot.agent.view.FaultView;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What outlives the agent: where it has read to, what faults there were, what is out and why. */
final class HealthFile {
  private static final Logger LOG = LoggerFactory.getLogger(HealthFile.class);
  private static final int MOST_BYTES = 16 << 20;

  /**
   * What a newer agent has written besides is left alone, and a number or a yes that an older one
   * has not written is 0 or no: a device that is out stays out.
   */
  private static final ObjectReader READER =
      StateJson.MAPPER
          .readerFor(Content.class)
          .without(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .without(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES);

  private final Path path;
  private final String boot;

  /**
   * @param boot which start of the machine it is
   * @param log where the kernel log has been read to, {@link LogPosition#text}
   * @param nextFault the next fault's id
   * @param devices what the next agent needs to know of each, by UUID
   */
  record Content(
      String boot,
      String log,
      long nextFault,
      List<FaultView> faults,
      Map<String, KeptDevice> devices) {

    LogPosition position() {
      return LogPosition.parse(log).orElse(LogPosition.BEGINNING);
    }
  }

  /**
   * @param boot which start of the machine this is: what was out before another has been reset
   */
  HealthFile(Path path, String boot) {
    this.path = path;
    this.boot = boot;
  }

  /** Empty where there is none, or none that can be read. */
  Optional<Content> load() {
    try {
      if (Files.size(path) > MOST_BYTES) {
        throw new IOException("it is larger than any that was written here");
      }
      Content content = READER.readValue(Files.readAllBytes(path));
      if (content == null
          || content.log() == null
          || content.faults() == null
          || content.devices() == null
          || content.devices().containsValue(null)) {
        throw new IOException("it is no file of this kind");
      }
      boolean sameBoot = boot.equals(content.boot());
      Map<String, KeptDevice> devices = new LinkedHashMap<>();
      content.devices().forEach((uuid, kept) -> devices.put(uuid, sameBoot ? kept : kept.reset()));
      return Optional.of(
          new Content(
              boot,
              content.log(),
              content.nextFault(),
              content.faults().stream().filter(HealthFile::isWhole).toList(),
              devices));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (JsonProcessingException e) {
      LOG.error("{} is not used: {}", path, e.getOriginalMessage());
      return Optional.empty();
    } catch (IOException e) {
      LOG.error("{} is not used: {}", path, e.getMessage());
      return Optional.empty();
    }
  }

  /** Whether nothing is missing that is used. */
  private static boolean isWhole(FaultView fault) {
    return fault != null
        && Stream.of(
                fault.first(),
                fault.last(),
                fault.device(),
                fault.code(),
                fault.faultClass(),
                fault.text(),
                fault.action(),
                fault.process(),
                fault.tenant(),
                fault.tenantName(),
                fault.namespace(),
                fault.pod(),
                fault.container(),
                fault.place(),
                fault.message())
            .allMatch(Objects::nonNull);
  }

  /** Replaces it. */
  void save(
      LogPosition position, long nextFault, List<FaultView> faults, Map<String, KeptDevice> devices)
      throws IOException {
    DurableFile.write(
        path,
        StateJson.MAPPER.writeValueAsBytes(
            new Content(boot, position.text(), nextFault, faults, devices)),
        false);
  }
}
