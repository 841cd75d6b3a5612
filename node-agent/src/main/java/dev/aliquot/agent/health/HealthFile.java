package dev.aliquot.agent.health;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.aliquot.agent.kmsg.LogPosition;
import dev.aliquot.agent.state.DurableFile;
import dev.aliquot.agent.state.StateJson;
import dev.aliquot.agent.view.FaultView;
import dev.aliquot.health.device.Claim;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What outlives the agent: where it has read to, what faults there were, what is out and why. */
final class HealthFile {
  private static final Logger LOG = LoggerFactory.getLogger(HealthFile.class);
  private static final int MOST_BYTES = 16 << 20;

  private final Path path;
  private final String boot;

  /**
   * @param boot which start of the machine it is
   * @param log where the kernel log has been read to, {@link LogPosition#text}
   * @param nextFault the next fault's id
   * @param claims what has taken devices out, by UUID
   */
  record Content(
      String boot,
      String log,
      long nextFault,
      List<FaultView> faults,
      Map<String, List<Claim>> claims) {

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
      Content content = StateJson.MAPPER.readValue(Files.readAllBytes(path), Content.class);
      if (content == null || content.faults() == null || content.claims() == null) {
        throw new IOException("it holds no faults");
      }
      return Optional.of(
          boot.equals(content.boot())
              ? content
              : new Content(boot, content.log(), content.nextFault(), content.faults(), Map.of()));
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

  /** Replaces it. */
  void save(
      LogPosition position, long nextFault, List<FaultView> faults, Map<String, List<Claim>> claims)
      throws IOException {
    DurableFile.write(
        path,
        StateJson.MAPPER.writeValueAsBytes(
            new Content(boot, position.text(), nextFault, faults, claims)),
        false);
  }
}
