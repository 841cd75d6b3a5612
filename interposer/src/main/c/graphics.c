/* Resources of OpenGL, VDPAU and EGL: made by the graphics driver, registered and mapped here. */
#include "settled.h"

ALQ_SETTLED_LAZILY(cuGraphicsMapResources, (unsigned int count, CUgraphicsResource *resources, CUstream stream), count, resources, stream)
ALQ_SETTLED_LAZILY(
    cuGraphicsMapResources_ptsz, (unsigned int count, CUgraphicsResource *resources, CUstream stream), count, resources, stream)
ALQ_SETTLED_LAZILY(
    cuGraphicsUnmapResources, (unsigned int count, CUgraphicsResource *resources, CUstream stream), count, resources, stream)
ALQ_SETTLED_LAZILY(
    cuGraphicsUnmapResources_ptsz, (unsigned int count, CUgraphicsResource *resources, CUstream stream), count, resources, stream)
ALQ_SETTLED_LAZILY(cuGraphicsUnregisterResource, (CUgraphicsResource resource), resource)
ALQ_SETTLED(cuGraphicsGLRegisterBuffer, (CUgraphicsResource * resource, unsigned int buffer, unsigned int flags), resource, buffer,
    flags)
ALQ_SETTLED(cuGraphicsGLRegisterImage,
    (CUgraphicsResource * resource, unsigned int image, unsigned int target, unsigned int flags), resource, image, target, flags)
ALQ_SETTLED(cuGraphicsVDPAURegisterOutputSurface, (CUgraphicsResource * resource, uint32_t surface, unsigned int flags), resource,
    surface, flags)
ALQ_SETTLED(cuGraphicsVDPAURegisterVideoSurface, (CUgraphicsResource * resource, uint32_t surface, unsigned int flags), resource,
    surface, flags)
ALQ_SETTLED(cuGraphicsEGLRegisterImage, (CUgraphicsResource * resource, void *image, unsigned int flags), resource, image, flags)
ALQ_SETTLED(cuGLRegisterBufferObject, (unsigned int buffer), buffer)
ALQ_SETTLED_LAZILY(cuGLMapBufferObject, (CUdeviceptr_v1 * address, unsigned int *bytes, unsigned int buffer), address, bytes, buffer)
ALQ_SETTLED_LAZILY(cuGLMapBufferObject_v2, (CUdeviceptr * address, size_t *bytes, unsigned int buffer), address, bytes, buffer)
ALQ_SETTLED_LAZILY(cuGLMapBufferObject_v2_ptds, (CUdeviceptr * address, size_t *bytes, unsigned int buffer), address, bytes, buffer)
ALQ_SETTLED_LAZILY(cuGLMapBufferObjectAsync,
    (CUdeviceptr_v1 * address, unsigned int *bytes, unsigned int buffer, CUstream stream), address, bytes, buffer, stream)
ALQ_SETTLED_LAZILY(cuGLMapBufferObjectAsync_v2, (CUdeviceptr * address, size_t *bytes, unsigned int buffer, CUstream stream),
    address, bytes, buffer, stream)
ALQ_SETTLED_LAZILY(cuGLMapBufferObjectAsync_v2_ptsz, (CUdeviceptr * address, size_t *bytes, unsigned int buffer, CUstream stream),
    address, bytes, buffer, stream)
ALQ_SETTLED(cuEGLStreamConsumerConnect, (void *connection, void *stream), connection, stream)
ALQ_SETTLED(cuEGLStreamConsumerConnectWithFlags, (void *connection, void *stream, unsigned int flags), connection, stream, flags)
