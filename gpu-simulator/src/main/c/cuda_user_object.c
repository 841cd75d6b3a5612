/* User objects and the references graphs hold on them. */
#include <stdlib.h>

#include "cuda_user_object.h"

struct user_object {
    struct sim_head head;
    _Atomic int refs;
    void *data;
    CUhostFn destroy;
};

struct sim_user_reference {
    struct user_object *object;
    unsigned count;
    struct sim_user_reference *next;
};

static void give(struct user_object *object, unsigned count) {
    if (atomic_fetch_sub(&object->refs, (int)count) > (int)count) return;
    object->destroy(object->data);
    sim_handle_free(object);
}

void sim_user_references_drop(struct sim_user_reference **list) {
    while (*list != NULL) {
        struct sim_user_reference *reference = *list;
        *list = reference->next;
        give(reference->object, reference->count);
        free(reference);
    }
}

bool sim_user_references_copy(struct sim_user_reference **list, const struct sim_user_reference *from) {
    for (; from != NULL; from = from->next) {
        struct sim_user_reference *reference = malloc(sizeof *reference);
        if (reference == NULL) return false;
        *reference = (struct sim_user_reference){from->object, from->count, *list};
        atomic_fetch_add(&from->object->refs, (int)from->count);
        *list = reference;
    }
    return true;
}

static bool object_ok(CUuserObject handle) { return sim_handle_is(handle, SIM_KIND_USER_OBJECT); }

CUresult cuUserObjectCreate(CUuserObject *out, void *data, CUhostFn destroy, unsigned int refs, unsigned int flags) {
    SIM_ENTER();
    SIM_NEED(out != NULL && destroy != NULL && refs != 0 && refs <= INT32_MAX && flags == CU_USER_OBJECT_NO_DESTRUCTOR_SYNC);
    struct user_object *object = sim_handle_new(SIM_KIND_USER_OBJECT);
    if (object == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    object->refs = (int)refs;
    object->data = data;
    object->destroy = destroy;
    *out = (CUuserObject)object;
    return CUDA_SUCCESS;
}
CUresult cuUserObjectRetain(CUuserObject handle, unsigned int count) {
    SIM_ENTER();
    SIM_NEED(object_ok(handle) && count != 0 && count <= INT32_MAX);
    atomic_fetch_add(&((struct user_object *)handle)->refs, (int)count);
    return CUDA_SUCCESS;
}
CUresult cuUserObjectRelease(CUuserObject handle, unsigned int count) {
    SIM_ENTER();
    SIM_NEED(object_ok(handle) && count != 0 && (int)count <= atomic_load(&((struct user_object *)handle)->refs));
    give((struct user_object *)handle, count);
    return CUDA_SUCCESS;
}
CUresult cuGraphRetainUserObject(CUgraph handle, CUuserObject object, unsigned int count, unsigned int flags) {
    SIM_ENTER();
    SIM_NEED(sim_graph_ok(handle) && object_ok(object) && count != 0 && (flags & ~(unsigned)CU_GRAPH_USER_OBJECT_MOVE) == 0);
    struct sim_graph *graph = (struct sim_graph *)handle;
    struct sim_user_reference *reference = malloc(sizeof *reference);
    if (reference == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    *reference = (struct sim_user_reference){(struct user_object *)object, count, graph->objects};
    graph->objects = reference;
    if (!(flags & CU_GRAPH_USER_OBJECT_MOVE)) atomic_fetch_add(&reference->object->refs, (int)count);
    return CUDA_SUCCESS;
}
CUresult cuGraphReleaseUserObject(CUgraph handle, CUuserObject object, unsigned int count) {
    SIM_ENTER();
    SIM_NEED(sim_graph_ok(handle) && object_ok(object) && count != 0);
    struct sim_graph *graph = (struct sim_graph *)handle;
    for (struct sim_user_reference **link = &graph->objects; *link != NULL; link = &(*link)->next) {
        struct sim_user_reference *reference = *link;
        if (reference->object != (struct user_object *)object || reference->count < count) continue;
        reference->count -= count;
        if (reference->count == 0) {
            *link = reference->next;
            free(reference);
        }
        give((struct user_object *)object, count);
        return CUDA_SUCCESS;
    }
    return CUDA_ERROR_INVALID_VALUE;
}
