package dev.aliquot.agent.admin;

import dev.aliquot.agent.AgentException;
import dev.aliquot.agent.Peer;
import dev.aliquot.agent.SwapWay;
import dev.aliquot.agent.view.DrillSpec;
import dev.aliquot.agent.view.DrillView;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.agent.view.TenantGrant;
import dev.aliquot.agent.view.TenantResize;
import dev.aliquot.agent.view.TenantSpec;

/** What the administration socket needs of the agent. Thread-safe. */
public interface TenantAdmin {
  /** Makes a tenant. */
  TenantGrant createTenant(TenantSpec spec, Peer peer) throws AgentException;

  /** Changes the shares of a tenant that the peer may change, at once. */
  void resizeTenant(String idOrName, TenantResize change, Peer peer) throws AgentException;

  /** Has the data of a tenant that the peer may swap move to host memory, or back. */
  void swapTenant(String idOrName, SwapWay way, Peer peer) throws AgentException;

  /** Ends a tenant that the peer may end. */
  void endTenant(String idOrName, Peer peer) throws AgentException;

  /** Takes back what faults have made of a device. */
  void clearDevice(String name, Peer peer) throws AgentException;

  /** Makes a fault for practice, or says what it would do. */
  DrillView drill(DrillSpec spec, Peer peer) throws AgentException;

  /** The node now. */
  NodeView view();
}
