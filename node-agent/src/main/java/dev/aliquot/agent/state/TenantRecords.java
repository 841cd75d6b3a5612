package dev.aliquot.agent.state;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The tenants on disk, one file each. */
public final class TenantRecords {
  private static final Logger LOG = LoggerFactory.getLogger(TenantRecords.class);
  private static final String SUFFIX = ".json";

  private final Path directory;

  public TenantRecords(Path directory) {
    this.directory = directory;
  }

  public void save(TenantRecord tenant) throws IOException {
    DurableFile.write(file(tenant.id()), StateJson.MAPPER.writeValueAsBytes(tenant), false);
  }

  public void delete(String id) throws IOException {
    Files.deleteIfExists(file(id));
  }

  /**
   * Every readable record. One that is not is left where it is for a person to look at, with a line
   * in the log.
   */
  public List<TenantRecord> load() throws IOException {
    List<TenantRecord> records = new ArrayList<>();
    try (var files = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
      for (Path file : files) {
        try {
          TenantRecord tenant =
              StateJson.MAPPER.readValue(Files.readAllBytes(file), TenantRecord.class);
          if (file.equals(file(tenant.id()))) {
            records.add(tenant);
          } else {
            LOG.error("{} is not used: it says it is tenant {}", file, tenant.id());
          }
        } catch (JsonProcessingException e) {
          LOG.error("{} is not used: {}", file, e.getOriginalMessage());
        } catch (IOException e) {
          LOG.error("{} is not used: {}", file, e.getMessage());
        }
      }
    }
    return records;
  }

  private Path file(String id) {
    return directory.resolve(id + SUFFIX);
  }
}
