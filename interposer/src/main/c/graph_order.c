/* The order of a capture, as the program changes it: what was freed on a stream is allocated again there only while one comes behind the other. */
#include "graph_notes.h"
#include "graph_point.h"
#include "hooks.h"
#include "movable_async.h"

/* In the per-thread variants the stream 0 is the thread's own. */
#define ALQ_OWN_STREAM(stream) ((stream) == NULL ? CU_STREAM_PER_THREAD : (stream))

#define ALQ_REORDER(name, where, parameters, ...)                                                   \
    CUresult alq_hook_##name parameters                                                                    \
    {                                                                                                      \
        if (alq_notes_any(ALQ_OF_CAPTURE) && flags == CU_STREAM_SET_CAPTURE_DEPENDENCIES && !alq_transparent()) { \
            alq_notes_unorder(alq_capture_of(where), alq_stream_id(where));                                \
        }                                                                                                  \
        return ALQ_REAL(name)(__VA_ARGS__);                                                                \
    }

ALQ_REORDER(cuStreamUpdateCaptureDependencies, stream,
    (CUstream stream, CUgraphNode *nodes, size_t count, unsigned int flags), stream, nodes, count, flags)
ALQ_REORDER(cuStreamUpdateCaptureDependencies_ptsz, ALQ_OWN_STREAM(stream),
    (CUstream stream, CUgraphNode *nodes, size_t count, unsigned int flags), stream, nodes, count, flags)
ALQ_REORDER(cuStreamUpdateCaptureDependencies_v2, stream,
    (CUstream stream, CUgraphNode *nodes, const CUgraphEdgeData *edges, size_t count, unsigned int flags), stream, nodes, edges, count,
    flags)
ALQ_REORDER(cuStreamUpdateCaptureDependencies_v2_ptsz, ALQ_OWN_STREAM(stream),
    (CUstream stream, CUgraphNode *nodes, const CUgraphEdgeData *edges, size_t count, unsigned int flags), stream, nodes, edges, count,
    flags)
