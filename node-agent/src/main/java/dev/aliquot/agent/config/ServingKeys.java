package dev.aliquot.agent.config;

import java.time.Duration;
import java.util.List;

/** Who may ask the agent for what, and what it says. */
final class ServingKeys {
  static final ConfigKey<String> ADMIN_GROUP =
      ConfigKey.derived(
          "admin-group",
          ConfigTypes.text("group", "[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}", "a group's name or number"),
          "a group's name or number",
          "none: root and the agent's own user only",
          "The group whose members may create tenants, and end their own, over the administration"
              + " socket.");
  static final ConfigKey<String> HTTP_ADDRESS =
      ConfigKey.fixed(
          "http-address",
          ConfigTypes.text("address", "[0-9A-Fa-f:.]{2,45}", "a numeric IPv4 or IPv6 address"),
          "a numeric IPv4 or IPv6 address",
          "127.0.0.1",
          "Where metrics and the API are served; 0.0.0.0 or :: opens them to the network,"
              + " unauthenticated.");
  static final ConfigKey<Integer> HTTP_PORT =
      ConfigKey.fixed(
          "http-port",
          ConfigTypes.bounded("number", ConfigTypes::integer, 0, 65535, "a port from 0 to 65535"),
          "a port from 0 to 65535; 0 takes any free one",
          "9464",
          "Port of metrics and the API; the one in use is in agent.json in the state folder.");
  static final ConfigKey<Integer> HTTP_MAX_CONNECTIONS =
      ConfigKey.fixed(
          "http-max-connections",
          ConfigTypes.bounded("number", ConfigTypes::integer, 1, 4096, "a number from 1 to 4096"),
          "a number from 1 to 4096",
          "64",
          "Connections served at once; a further one takes the place of one that rests between two"
              + " requests, or is closed. A quarter of them, 16 at most, may listen to the page's"
              + " stream.");
  static final ConfigKey<Duration> HTTP_IDLE_TIMEOUT =
      ConfigKey.fixed(
          "http-idle-timeout",
          ConfigTypes.bounded(
              "duration",
              Durations::parse,
              Duration.ofMillis(100),
              Duration.ofHours(1),
              "a duration from 100ms to 1h such as 30s"),
          "a duration from 100ms to 1h",
          "30s",
          "A connection on which nothing happens for this long is closed.");
  static final ConfigKey<LogLevel> LOG_LEVEL =
      ConfigKey.fixed(
          "log-level",
          ConfigTypes.choice(LogLevel.class),
          "error, warn, info, debug or trace",
          "info",
          "The least severe messages that are logged.");
  static final ConfigKey<LogFormat> LOG_FORMAT =
      ConfigKey.fixed(
          "log-format",
          ConfigTypes.choice(LogFormat.class),
          "auto, json or text",
          "auto",
          "json: one object a line; text: for a reader; auto: text where stderr is a terminal, else"
              + " json.");

  static final List<ConfigKey<?>> ALL =
      List.of(
          ADMIN_GROUP,
          HTTP_ADDRESS,
          HTTP_PORT,
          HTTP_MAX_CONNECTIONS,
          HTTP_IDLE_TIMEOUT,
          LOG_LEVEL,
          LOG_FORMAT);

  private ServingKeys() {}
}
