package dev.aliquot.agent.view;

import java.util.List;
import java.util.Map;

/**
 * What whoever starts the tenant's processes needs to know.
 *
 * @param id the tenant's id
 * @param name the tenant's name
 * @param directory the tenant directory (control page, usage page, socket)
 * @param devices UUIDs of the devices granted
 * @param memoryBytes request per device
 * @param environment variables to set for the tenant's processes; LD_PRELOAD is to be put before
 *     what is there
 */
public record TenantGrant(
    String id,
    String name,
    String directory,
    List<String> devices,
    long memoryBytes,
    Map<String, String> environment) {}
