package dev.aliquot.health.node;

/**
 * The nodes that tell how their devices are.
 *
 * @param nodes how many, this one counted in
 * @param out of how many others a device is out, or the node is not ready
 */
public record Fleet(int nodes, int out) {
  /** Both together. */
  public Fleet and(Fleet more) {
    return new Fleet(nodes + more.nodes(), out + more.out());
  }
}
