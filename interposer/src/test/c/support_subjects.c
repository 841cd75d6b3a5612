/* The look-up, and the rows that need no more than their name. */
#include "support_subjects.h"

#include <string.h>

#define PLAIN(name) {name, SUBJECT_PLAIN, NULL, NULL, 0}

/* Settled and free rows that hold no memory of their own: what they settle was taken by another row, or lies with a driver that this
 * test's driver is not (GL, EGL, VDPAU, multicast, external memory, dma-buf). Called with zeros they answer what the bare driver answers. */
const struct subject subjects_plain[] = {PLAIN("cuCheckpointProcessCheckpoint"), PLAIN("cuCheckpointProcessLock"),
    PLAIN("cuCheckpointProcessRestore"), PLAIN("cuCheckpointProcessUnlock"), PLAIN("cuCtxFromGreenCtx"),
    PLAIN("cuDestroyExternalMemory"), PLAIN("cuDeviceGetDefaultMemPool"), PLAIN("cuDeviceGetMemPool"),
    PLAIN("cuDeviceSetMemPool"), PLAIN("cuEGLStreamConsumerConnect"), PLAIN("cuEGLStreamConsumerConnectWithFlags"),
    PLAIN("cuEGLStreamProducerConnect"), PLAIN("cuExternalMemoryGetMappedBuffer"),
    PLAIN("cuExternalMemoryGetMappedMipmappedArray"), PLAIN("cuFuncLoad"), PLAIN("cuGLMapBufferObject"),
    PLAIN("cuGLMapBufferObjectAsync"), PLAIN("cuGLMapBufferObjectAsync_v2"), PLAIN("cuGLMapBufferObjectAsync_v2_ptsz"),
    PLAIN("cuGLMapBufferObject_v2"), PLAIN("cuGLMapBufferObject_v2_ptds"), PLAIN("cuGLRegisterBufferObject"),
    PLAIN("cuGraphAddMemAllocNode"), PLAIN("cuGraphAddNode"), PLAIN("cuGraphAddNode_v2"), PLAIN("cuGraphInstantiate"),
    PLAIN("cuGraphInstantiateWithFlags"), PLAIN("cuGraphInstantiateWithParams"), PLAIN("cuGraphInstantiateWithParams_ptsz"),
    PLAIN("cuGraphInstantiate_v2"), PLAIN("cuGraphicsEGLRegisterImage"), PLAIN("cuGraphicsGLRegisterBuffer"),
    PLAIN("cuGraphicsGLRegisterImage"), PLAIN("cuGraphicsMapResources"), PLAIN("cuGraphicsMapResources_ptsz"),
    PLAIN("cuGraphicsUnmapResources"), PLAIN("cuGraphicsUnmapResources_ptsz"), PLAIN("cuGraphicsUnregisterResource"),
    PLAIN("cuGraphicsVDPAURegisterOutputSurface"), PLAIN("cuGraphicsVDPAURegisterVideoSurface"),
    PLAIN("cuGreenCtxStreamCreate"), PLAIN("cuImportExternalMemory"), PLAIN("cuImportExternalSemaphore"),
    PLAIN("cuIpcGetEventHandle"), PLAIN("cuIpcOpenEventHandle"), PLAIN("cuMemPoolExportToShareableHandle"), PLAIN("cuLibraryUnload"),
    PLAIN("cuMemGetDefaultMemPool"), PLAIN("cuMemGetHandleForAddressRange"), PLAIN("cuMemGetMemPool"), PLAIN("cuMemSetMemPool"),
    PLAIN("cuMemMapArrayAsync"),
    PLAIN("cuMemMapArrayAsync_ptsz"), PLAIN("cuMemPoolCreate"), PLAIN("cuMemPoolSetAttribute"), PLAIN("cuModuleUnload"), PLAIN("cuMulticastAddDevice"), PLAIN("cuMulticastBindAddr"), PLAIN("cuMulticastBindMem"),
    PLAIN("cuMulticastCreate"), PLAIN("cuMulticastUnbind"), PLAIN("cuStreamBeginCapture"),
    PLAIN("cuStreamBeginCaptureToGraph"), PLAIN("cuStreamBeginCaptureToGraph_ptsz"), PLAIN("cuStreamBeginCapture_ptsz"),
    PLAIN("cuStreamBeginCapture_v2"), PLAIN("cuStreamBeginCapture_v2_ptsz"), PLAIN("cuStreamEndCapture"),
    PLAIN("cuStreamUpdateCaptureDependencies"), PLAIN("cuStreamUpdateCaptureDependencies_ptsz"),
    PLAIN("cuStreamUpdateCaptureDependencies_v2"), PLAIN("cuStreamUpdateCaptureDependencies_v2_ptsz"), PLAIN("cuGraphAddChildGraphNode"),
    PLAIN("cuGraphAddMemFreeNode"), PLAIN("cuGraphClone"), PLAIN("cuGraphDestroy"), PLAIN("cuGraphExecChildGraphNodeSetParams"),
    PLAIN("cuGraphExecNodeSetParams"), PLAIN("cuGraphExecUpdate"), PLAIN("cuGraphExecUpdate_v2"),
    PLAIN("cuStreamEndCapture_ptsz"), PLAIN("cuStreamDestroy"), PLAIN("cuStreamDestroy_v2"), PLAIN("cuGLCtxCreate"), PLAIN("cuGLCtxCreate_v2"), PLAIN("cuVDPAUCtxCreate"),
    PLAIN("cuVDPAUCtxCreate_v2"), PLAIN("cuMemAllocHost"), PLAIN("cuMemHostRegister"), PLAIN("cuModuleLoadFatBinary"),
    PLAIN("cuLinkCreate"), PLAIN("cuStreamCreateWithPriority"), {NULL, SUBJECT_PLAIN, NULL, NULL, 0}};

const struct subject *subject_of(const char *name)
{
    const struct subject *const tables[] = {subjects_memory, subjects_graph, subjects_context, subjects_import, subjects_plain};
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        for (const struct subject *s = tables[t]; s->name != NULL; s++) {
            if (strcmp(s->name, name) == 0) {
                return s;
            }
        }
    }
    return NULL;
}
