import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * The image's bill of materials: that of the jars (CycloneDX, made by Maven), with Debian's packages and the Java runtime added.
 * Arguments: the jars' bill, dpkg's status file, the JDK's release file, the image's version, the file to write.
 */
public final class Sbom {
  private Sbom() {}

  public static void main(String[] arguments) throws IOException {
    ObjectMapper mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
    ObjectNode bill = (ObjectNode) mapper.readTree(Path.of(arguments[0]).toFile());
    ArrayNode components = (ArrayNode) bill.withArray("components");
    if (components.isEmpty()) {
      throw new IllegalStateException("no jars in " + arguments[0]);
    }
    int jars = components.size();
    for (String paragraph : Files.readString(Path.of(arguments[1])).split("\n\n+")) {
      Map<String, String> fields = fields(paragraph, ": ");
      if (fields.containsKey("Package")) {
        String name = fields.get("Package");
        String version = fields.get("Version");
        component(components, name, version,
            "pkg:deb/debian/" + name + "@" + version.replace(":", "%3A").replace("+", "%2B") + "?arch=" + fields.get("Architecture"));
      }
    }
    int packages = components.size() - jars;
    if (packages == 0) {
      throw new IllegalStateException("no packages in " + arguments[1]);
    }
    Map<String, String> release = fields(Files.readString(Path.of(arguments[2])), "=");
    String java = release.getOrDefault("JAVA_RUNTIME_VERSION", release.get("JAVA_VERSION")).replace("\"", "");
    component(components, "java-runtime", java, "pkg:generic/java-runtime@" + java.replace("+", "%2B"));
    ObjectNode image = ((ObjectNode) bill.withObject("/metadata")).putObject("component");
    image.put("type", "container").put("name", "aliquot-agent").put("version", arguments[3]).put("bom-ref", "aliquot-agent");
    bill.remove("dependencies");
    Files.writeString(Path.of(arguments[4]), mapper.writeValueAsString((JsonNode) bill) + "\n");
    System.err.println("image: " + jars + " jars, " + packages + " packages, Java " + java);
  }

  private static void component(ArrayNode components, String name, String version, String purl) {
    components.addObject().put("type", "library").put("bom-ref", purl).put("name", name).put("version", version).put("purl", purl);
  }

  private static Map<String, String> fields(String text, String separator) {
    Map<String, String> fields = new HashMap<>();
    text.lines().forEach(line -> {
      int at = line.indexOf(separator);
      if (at > 0 && line.charAt(0) != ' ') {
        fields.put(line.substring(0, at), line.substring(at + separator.length()).strip());
      }
    });
    return fields;
  }
}
