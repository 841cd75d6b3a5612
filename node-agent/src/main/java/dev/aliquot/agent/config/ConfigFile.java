package dev.aliquot.agent.config;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.yaml.snakeyaml.LoaderOptions;

/**
 * Reads a YAML file of {@code key: value} lines. Nested values, lists, a key given twice, aliases
 * and files of more than 64 KiB are refused; which keys exist is not known here.
 */
final class ConfigFile {
  private static final int MOST_BYTES = 64 * 1024;

  private ConfigFile() {}

  static Map<String, Given> read(Path file) throws ConfigException {
    byte[] content;
    try {
      if (Files.size(file) > MOST_BYTES && Files.isRegularFile(file)) {
        throw fault(
            "the configuration file " + file + " is larger than 64 KiB; is it the right file?");
      }
      try (var in = Files.newInputStream(file)) {
        content = in.readNBytes(MOST_BYTES);
      }
    } catch (NoSuchFileException e) {
      throw fault("the configuration file " + file + " does not exist");
    } catch (IOException e) {
      throw fault("the configuration file " + file + " cannot be read: " + e.getMessage());
    }
    return parse(new String(content, StandardCharsets.UTF_8), file.toString());
  }

  static Map<String, Given> parse(String content, String name) throws ConfigException {
    Map<String, Given> values = new LinkedHashMap<>();
    LoaderOptions limits = new LoaderOptions();
    limits.setNestingDepthLimit(4);
    limits.setMaxAliasesForCollections(0);
    YAMLFactory factory =
        YAMLFactory.builder()
            .loaderOptions(limits)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();
    try (JsonParser yaml = factory.createParser(content)) {
      JsonToken first = yaml.nextToken();
      if (first == null || (first == JsonToken.VALUE_STRING && yaml.getText().isBlank())) {
        return values;
      }
      if (first != JsonToken.START_OBJECT) {
        throw fault(name + " line 1: expected 'key: value' lines");
      }
      while (yaml.nextToken() == JsonToken.FIELD_NAME) {
        String key = yaml.currentName();
        int line = yaml.currentTokenLocation().getLineNr();
        JsonToken token = yaml.nextToken();
        if (token == null || !token.isScalarValue()) {
          throw fault(
              name
                  + " line "
                  + line
                  + ": "
                  + key
                  + " must be one plain value, not a list or a group");
        }
        String text = token == JsonToken.VALUE_NULL ? "" : yaml.getText();
        values.put(key, new Given(text, name + " line " + line));
      }
      if (yaml.nextToken() != null) {
        throw fault(name + " holds more than one document; expected 'key: value' lines");
      }
    } catch (IOException | RuntimeException e) {
      throw fault(name + " is not valid YAML: " + firstLine(e));
    }
    return values;
  }

  private static String firstLine(Exception e) {
    String message =
        e instanceof com.fasterxml.jackson.core.JsonProcessingException json
            ? json.getOriginalMessage()
            : e.getMessage();
    String text = message == null ? e.getClass().getSimpleName() : message;
    int line =
        e instanceof com.fasterxml.jackson.core.JsonProcessingException json
                && json.getLocation() != null
            ? json.getLocation().getLineNr()
            : 0;
    String first = text.lines().findFirst().orElse("unreadable");
    return line > 0 ? first + " (line " + line + ")" : first;
  }

  private static ConfigException fault(String sentence) {
    return new ConfigException(List.of(sentence));
  }
}
