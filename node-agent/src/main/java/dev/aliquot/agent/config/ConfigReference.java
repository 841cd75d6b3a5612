package dev.aliquot.agent.config;

/** The reference page {@code docs/configuration.md}, made from the table of keys. */
public final class ConfigReference {
  private ConfigReference() {}

  /** The whole page. */
  public static String markdown() {
    StringBuilder page =
        new StringBuilder(
            """
            # Configuration

            This page is made from the program's own table of keys (`aliquot reference configuration`); a test fails when it is stale.

            Every key can be given in a file (`aliquot agent --config FILE`, YAML, one `key: value` a line), in the environment and as a
            flag. A flag wins over the environment, the environment over the file, the file over the default. Unknown keys and values
            that are not allowed stop the agent with one line for each, naming the key, the value, where it came from and what is allowed.

            - Sizes: `4GiB`, `4Gi`, `512MiB` are powers of 1024; `4GB`, `4G`, `512M` powers of 1000; a bare number is bytes. `1.5GiB` is fine.
            - Durations: `250ms`, `30s`, `5m`, `2h`.
            - Percentages: `25`, `25%`, `2.5`.

            | key | flag | environment | type | allowed | default | meaning |
            |---|---|---|---|---|---|---|
            """);
    for (ConfigKey<?> key : ConfigKeys.all()) {
      String defaultText = key.derived() ? key.defaultText() : "`" + key.defaultText() + "`";
      page.append(
          "| `%s` | `%s` | `%s` | %s | %s | %s | %s |\n"
              .formatted(
                  key.name(),
                  key.flag(),
                  key.environmentVariable(),
                  key.typeName(),
                  key.allowed(),
                  defaultText,
                  key.description()));
    }
    page.append(
        """

        An example:

        ```yaml
        # /etc/aliquot/agent.yaml
        node-name: worker-7
        headroom-percent: 3
        headroom-min: 512MiB
        sample-period: 1s
        admin-group: gpu
        http-address: 127.0.0.1
        http-port: 9464
        log-level: info
        ```
        """);
    return page.toString();
  }
}
