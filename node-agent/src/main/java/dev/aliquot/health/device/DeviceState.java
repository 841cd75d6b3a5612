package dev.aliquot.health.device;

import java.util.Locale;

/**
 * How a device stands. From the best to the worst, but for {@link #RECOVERING}.
 *
 * <table>
 *   <caption>What each does</caption>
 *   <tr><th>state</th><th>new tenants</th><th>running ones</th></tr>
 *   <tr><td>healthy</td><td>yes</td><td>run</td></tr>
 *   <tr><td>suspect</td><td>where no other device has room</td><td>run</td></tr>
 *   <tr><td>recovering</td><td>no</td><td>run</td></tr>
 *   <tr><td>draining</td><td>no</td><td>run to their end</td></tr>
 *   <tr><td>needs-reset, needs-reboot</td><td>no</td><td>as the policy says</td></tr>
 *   <tr><td>lost</td><td>no</td><td>have lost what they had there</td></tr>
 * </table>
 */
public enum DeviceState {
  HEALTHY,
  SUSPECT,
  /** Nothing is wrong any more, and it is watched for a while. */
  RECOVERING,
  DRAINING,
  NEEDS_RESET,
  NEEDS_REBOOT,
  LOST;

  /** As it is written in labels and answers. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** Whether new tenants may be given a share of it. */
  public boolean takesTenants() {
    return this == HEALTHY || this == SUSPECT;
  }
}
