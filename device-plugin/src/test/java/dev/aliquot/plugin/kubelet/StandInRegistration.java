package dev.aliquot.plugin.kubelet;

import dev.aliquot.plugin.proto.deviceplugin.Empty;
import dev.aliquot.plugin.proto.deviceplugin.RegisterRequest;
import dev.aliquot.plugin.proto.deviceplugin.RegistrationGrpc;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;

/** What a plugin calls to register. */
final class StandInRegistration extends RegistrationGrpc.RegistrationImplBase {
  /** Takes a plugin. */
  interface Taker {
    void take(String resource, Path socket) throws StandInException;
  }

  private final Path folder;
  private final Taker taker;

  StandInRegistration(Path folder, Taker taker) {
    this.folder = folder;
    this.taker = taker;
  }

  @Override
  public void register(RegisterRequest request, StreamObserver<Empty> response) {
    try {
      check(request);
      taker.take(request.getResourceName(), folder.resolve(request.getEndpoint()));
    } catch (StandInException e) {
      response.onError(Status.UNKNOWN.withDescription(e.getMessage()).asRuntimeException());
      return;
    }
    response.onNext(Empty.getDefaultInstance());
    response.onCompleted();
  }

  static void check(String resource) throws StandInException {
    int slash = resource.indexOf('/');
    String domain = slash < 0 ? "" : resource.substring(0, slash);
    if (slash < 1 || domain.endsWith("kubernetes.io") || resource.startsWith("requests.")) {
      throw new StandInException("the ResourceName \"" + resource + "\" is invalid");
    }
  }

  private static void check(RegisterRequest request) throws StandInException {
    if (!request.getVersion().equals("v1beta1")) {
      throw new StandInException(
          "requested API version \""
              + request.getVersion()
              + "\" is not supported by kubelet. Supported version is [\"v1beta1\"]");
    }
    check(request.getResourceName());
    if (request.getEndpoint().contains("/")) {
      throw new StandInException("the endpoint is no file name");
    }
  }
}
