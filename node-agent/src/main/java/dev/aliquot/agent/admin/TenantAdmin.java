package dev.aliquot.agent.admin;

import dev.aliquot.agent.AgentException;
import dev.aliquot.agent.Peer;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.agent.view.TenantGrant;
import dev.aliquot.agent.view.TenantResize;
import dev.aliquot.agent.view.TenantSpec;

/** What the administration socket needs of the agent. Thread-safe. */
public interface TenantAdmin {
  /** Makes a tenant. */
  TenantGrant createTenant(TenantSpec spec, Peer peer) throws AgentException;

  /** Changes a tenant's shares, at once. */
  void resizeTenant(String idOrName, TenantResize change) throws AgentException;

  /** Ends a tenant. */
  void endTenant(String idOrName) throws AgentException;

  /** The node now. */
  NodeView view();
}
