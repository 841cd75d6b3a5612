package dev.aliquot.cli;

import dev.aliquot.agent.Agent;
import dev.aliquot.agent.AgentException;
import dev.aliquot.agent.config.AgentConfig;
import dev.aliquot.agent.plugin.PodOptions;
import dev.aliquot.agent.plugin.PodService;
import dev.aliquot.agent.view.LiveView;
import dev.aliquot.agent.view.NodeView;
import org.jspecify.annotations.Nullable;

/**
 * The kubelet's part of an agent, where it is configured. What speaks with a kubelet is loaded only
 * then.
 *
 * @param service null: none is served
 */
record Kubelet(@Nullable PodService service) implements AutoCloseable {

  static Kubelet serve(AgentConfig settings, Agent agent) throws AgentException {
    if (!settings.devicePlugin()) {
      return new Kubelet(null);
    }
    PodOptions options =
        new PodOptions(
            settings.kubeletDir(),
            settings.resourceName(),
            settings.annotationPrefix(),
            settings.placement(),
            settings.injection(),
            settings.cdiKind(),
            settings.podAnnotations());
    return new Kubelet(PodService.start(options, agent, settings.nodeName()));
  }

  /** The node with what the kubelet has of it. */
  NodeView shown(NodeView node) {
    return service == null ? node : node.with(service.view());
  }

  LiveView shown(LiveView live) {
    return new LiveView(live.at(), shown(live.node()), live.point());
  }

  @Override
  public void close() {
    if (service != null) {
      service.close();
    }
  }
}
