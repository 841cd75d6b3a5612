package dev.aliquot.agent;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.aliquot.agent.state.DurableFile;
import dev.aliquot.agent.state.StateDir;
import java.io.IOException;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.Map;

/** {@code agent.json}: how the other commands reach this agent. */
final class AgentFile {
  private AgentFile() {}

  static void write(StateDir state, String httpAddress, String version) throws IOException {
    Map<String, Object> content = new LinkedHashMap<>();
    content.put("pid", ProcessHandle.current().pid());
    content.put("http", httpAddress);
    content.put("version", version);
    DurableFile.write(state.agentFile(), new JsonMapper().writeValueAsBytes(content), true);
  }

  static void delete(StateDir state) throws IOException {
    Files.deleteIfExists(state.agentFile());
  }
}
