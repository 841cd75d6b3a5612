package dev.aliquot.health.catalogue;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;

/**
 * The YAML of a table. What is missing in a row of an override stays as it was.
 *
 * @param version of the table
 * @param provenance where it is from
 * @param profiles each platform with those that it is built on
 * @param rows the table
 */
record CatalogueFile(
    @Nullable String version,
    @Nullable String provenance,
    @Nullable Map<String, List<String>> profiles,
    @Nullable List<Row> rows) {

  /**
   * @param xid the codes
   * @param profiles the class by platform
   */
  record Row(
      @Nullable String xid,
      @Nullable String name,
      @JsonProperty("class") @Nullable String faultClass,
      @Nullable String nvidia,
      @Nullable Map<String, String> profiles,
      @Nullable String text,
      @Nullable String action) {}

  List<Row> all() {
    return Objects.requireNonNullElse(rows, List.of());
  }

  /**
   * @param name for sentences about what is wrong
   */
  static CatalogueFile parse(String yaml, String name) throws CatalogueException {
    LoaderOptions limits = new LoaderOptions();
    limits.setNestingDepthLimit(6);
    limits.setMaxAliasesForCollections(0);
    YAMLFactory factory =
        YAMLFactory.builder()
            .loaderOptions(limits)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();
    if (yaml.isBlank()) {
      throw new CatalogueException(name + " has no 'rows:', of which each needs an 'xid:'");
    }
    try {
      CatalogueFile file =
          YAMLMapper.builder(factory)
              .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
              .build()
              .readValue(yaml, CatalogueFile.class);
      if (file == null || file.rows == null) {
        throw new CatalogueException(name + " has no 'rows:', of which each needs an 'xid:'");
      }
      return file;
    } catch (JsonMappingException e) {
      throw new CatalogueException(name + where(e) + ": " + e.getOriginalMessage());
    } catch (JsonProcessingException e) {
      throw new CatalogueException(name + where(e) + ": " + e.getOriginalMessage());
    }
  }

  private static String where(JsonProcessingException e) {
    return e.getLocation() == null ? "" : " line " + e.getLocation().getLineNr();
  }
}
