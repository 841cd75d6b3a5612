package dev.aliquot.agent.state;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The tenants on disk, one file each. */
public final class TenantRecords {
  private static final Logger LOG = LoggerFactory.getLogger(TenantRecords.class);
  private static final String SUFFIX = ".json";

  /** What an older agent did not write may be missing only where the record says so. */
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .addModule(
              new SimpleModule()
                  .addSerializer(Instant.class, new InstantWriter())
                  .addDeserializer(Instant.class, new InstantReader()))
          .build();

  private final Path directory;

  public TenantRecords(Path directory) {
    this.directory = directory;
  }

  public void save(TenantRecord tenant) throws IOException {
    DurableFile.write(file(tenant.id()), JSON.writeValueAsBytes(tenant), false);
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
          TenantRecord tenant = JSON.readValue(Files.readAllBytes(file), TenantRecord.class);
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

  private static final class InstantWriter extends JsonSerializer<Instant> {
    @Override
    public void serialize(Instant value, JsonGenerator out, SerializerProvider provider)
        throws IOException {
      out.writeString(value.toString());
    }
  }

  private static final class InstantReader extends JsonDeserializer<Instant> {
    @Override
    public Instant deserialize(JsonParser in, DeserializationContext context) throws IOException {
      try {
        return Instant.parse(in.getText());
      } catch (java.time.format.DateTimeParseException e) {
        throw context.weirdStringException(in.getText(), Instant.class, "not a time");
      }
    }
  }
}
