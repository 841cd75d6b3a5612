package dev.aliquot.agent;

import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.pool.HostPool;
import dev.aliquot.agent.pool.Lending;
import java.util.Arrays;
import java.util.List;

/**
 * Says how much of each device may be lent: what the host pool could still take, less what the
 * other devices have lent. Looked at from time to time, so it may be a little late. For one thread.
 */
final class Lender {
  private final List<Device> devices;
  private final HostPool pool;
  private final Lending lending;

  Lender(List<Device> devices, HostPool pool, Lending lending) {
    this.devices = devices;
    this.pool = pool;
    this.lending = lending;
  }

  void tick() {
    long freeBytes = pool.freeBytes();
    long[] needBytes =
        devices.stream().mapToLong(device -> device.book().unbackedBytes()).toArray();
    long allBytes = Arrays.stream(needBytes).sum();
    for (int i = 0; i < needBytes.length; i++) {
      Device device = devices.get(i);
      device.book().hostRoom(freeBytes - allBytes);
      device
          .book()
          .lendable(
              switch (lending) {
                case ALWAYS -> Long.MAX_VALUE;
                case OFF -> 0;
                case BACKED -> freeBytes - (allBytes - needBytes[i]);
              });
    }
  }
}
