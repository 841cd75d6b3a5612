package dev.aliquot.cli.client;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;

/**
 * What an agent writes about itself into {@code agent.json}.
 *
 * @param pid of the agent
 * @param http {@code host:port}
 * @param version Aliquot's
 */
@JsonIgnoreProperties(ignoreUnknown = true)
record Announcement(long pid, String http, String version) {
  static final String FILE = "agent.json";
}
