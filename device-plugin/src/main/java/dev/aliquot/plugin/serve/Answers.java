package dev.aliquot.plugin.serve;

import dev.aliquot.plugin.node.Grant;
import dev.aliquot.plugin.node.Injection;
import dev.aliquot.plugin.pod.CheckpointEntry;
import dev.aliquot.plugin.proto.deviceplugin.CDIDevice;
import dev.aliquot.plugin.proto.deviceplugin.ContainerAllocateResponse;
import dev.aliquot.plugin.proto.deviceplugin.DeviceSpec;
import dev.aliquot.plugin.proto.deviceplugin.Mount;

/** What a container is given, in the kubelet's words. */
final class Answers {
  private Answers() {}

  static ContainerAllocateResponse of(Grant grant, Injection injection) {
    ContainerAllocateResponse.Builder answer =
        ContainerAllocateResponse.newBuilder()
            .putAllEnvs(injection.environment())
            .putAnnotations(CheckpointEntry.DEVICES_ANNOTATION, String.join(",", grant.devices()));
    for (Injection.Mount mount : injection.mounts()) {
      answer.addMounts(
          Mount.newBuilder()
              .setHostPath(mount.hostPath())
              .setContainerPath(mount.containerPath())
              .setReadOnly(mount.readOnly()));
    }
    for (Injection.DeviceNode device : injection.deviceNodes()) {
      answer.addDevices(
          DeviceSpec.newBuilder()
              .setHostPath(device.path())
              .setContainerPath(device.path())
              .setPermissions(device.permissions()));
    }
    for (String name : injection.cdiDevices()) {
      answer.addCdiDevices(CDIDevice.newBuilder().setName(name));
    }
    return answer.build();
  }
}
