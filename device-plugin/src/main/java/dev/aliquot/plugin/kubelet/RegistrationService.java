package dev.aliquot.plugin.kubelet;

import dev.aliquot.plugin.proto.pluginregistration.InfoRequest;
import dev.aliquot.plugin.proto.pluginregistration.PluginInfo;
import dev.aliquot.plugin.proto.pluginregistration.RegistrationGrpc;
import dev.aliquot.plugin.proto.pluginregistration.RegistrationStatus;
import dev.aliquot.plugin.proto.pluginregistration.RegistrationStatusResponse;
import io.grpc.stub.StreamObserver;

/** What a kubelet asks that has found the plugin in its folder. */
final class RegistrationService extends RegistrationGrpc.RegistrationImplBase {
  private final KubeletPaths paths;
  private final RegistrationState state;

  RegistrationService(KubeletPaths paths, RegistrationState state) {
    this.paths = paths;
    this.state = state;
  }

  @Override
  public void getInfo(InfoRequest request, StreamObserver<PluginInfo> response) {
    state.asked(SocketId.of(paths.kubelet()));
    response.onNext(
        PluginInfo.newBuilder()
            .setType("DevicePlugin")
            .setName(paths.resource())
            .setEndpoint(paths.plugin().toString())
            .addSupportedVersions("v1beta1")
            .build());
    response.onCompleted();
  }

  @Override
  public void notifyRegistrationStatus(
      RegistrationStatus request, StreamObserver<RegistrationStatusResponse> response) {
    if (request.getPluginRegistered()) {
      state.registered(Way.FOLDER);
    } else {
      String error = request.getError();
      state.lost(
          "the kubelet refused the plugin that it found: "
              + (error.length() > 500 ? error.substring(0, 500) + "..." : error));
    }
    response.onNext(RegistrationStatusResponse.getDefaultInstance());
    response.onCompleted();
  }
}
