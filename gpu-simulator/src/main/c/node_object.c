/*
 * Exported memory. An object is held by a set of processes and charged to one of them: its maker while that lives, then to
 * the first of the other holders. All changes happen under the management lock; they are rare beside allocations.
 * Bytes of an object are in `used` of its device from create to the last release. A descriptor can outlive all holders, in
 * a queue or in a process that never imported it, and nobody can see that; so the record stays as an orphan, which counts
 * nowhere and takes its memory again when it is held again. Orphans give way when the table is full. What is shared by a
 * handle of bytes (SIM_OBJECT_BY_NAME) has no descriptor: its record goes with its last holder.
 */
#include "node_state.h"

static uint32_t place_of(uint64_t st_dev, uint64_t st_ino)
{
    uint64_t mixed = (st_ino ^ (st_dev << 17)) * 0x9e3779b97f4a7c15ull;
    return (uint32_t)(mixed >> 40) % SIM_MAX_OBJECTS;
}

static struct sim_object_state *find_file(dev_t st_dev, ino_t st_ino)
{
    struct sim_state *state = sim_state();
    uint32_t place = place_of(st_dev, st_ino);
    for (uint32_t i = 0; i < SIM_MAX_OBJECTS; i++, place = (place + 1) % SIM_MAX_OBJECTS) {
        struct sim_object_state *object = &state->objects[place];
        if (atomic_load(&object->taken) == 0)
            return NULL;
        if (atomic_load(&object->id) != 0 && atomic_load(&object->st_ino) == st_ino && atomic_load(&object->st_dev) == st_dev)
            return object;
    }
    return NULL;
}

/* The index of the object is part of its id. */
static struct sim_object_state *find_id(uint64_t id)
{
    struct sim_object_state *object = &sim_state()->objects[id % SIM_MAX_OBJECTS];
    return id != 0 && atomic_load(&object->id) == id ? object : NULL;
}

static bool held_by_anyone(struct sim_object_state *object, uint32_t *first)
{
    for (uint32_t w = 0; w < SIM_MAX_PROCESSES / 64; w++) {
        uint64_t word = atomic_load(&object->holders[w]);
        if (word != 0) {
            *first = w * 64 + (uint32_t)__builtin_ctzll(word);
            return true;
        }
    }
    return false;
}

/* Nobody holds it any more. */
static void abandon(struct sim_object_state *object)
{
    if ((atomic_load(&object->st_dev) & SIM_OBJECT_BY_NAME) != 0)
        atomic_store(&object->id, 0);
    else
        atomic_store(&object->orphan, 1);
}

static void charge(uint32_t slot, struct sim_object_state *object)
{
    atomic_store(&object->charged_slot, slot);
    uint32_t device = atomic_load(&object->device);
    if (device != SIM_HOST)
        atomic_fetch_add(&sim_state()->slots[slot].shared[device], atomic_load(&object->bytes));
}

static void uncharge(struct sim_object_state *object)
{
    uint32_t device = atomic_load(&object->device);
    if (device != SIM_HOST)
        atomic_fetch_sub(&sim_state()->slots[atomic_load(&object->charged_slot)].shared[device], atomic_load(&object->bytes));
}

uint64_t sim_object_create(uint32_t device, uint64_t bytes, dev_t st_dev, ino_t st_ino)
{
    struct sim_slot *slot = sim_own_slot();
    if (slot == NULL || (device != SIM_HOST && !sim_device_valid(device)))
        return 0;
    int lock = sim_manage_lock();
    if (lock < 0)
        return 0;
    struct sim_state *state = sim_state();
    struct sim_object_state *object = NULL;
    uint64_t id = 0;
    uint32_t place = place_of(st_dev, st_ino);
    sim_reap_locked(lock);
    if (find_file(st_dev, st_ino) == NULL && (device == SIM_HOST || atomic_load(&slot->held[device]) >= bytes)) {
        for (uint32_t i = 0; i < 2 * SIM_MAX_OBJECTS && object == NULL; i++, place = (place + 1) % SIM_MAX_OBJECTS) {
            bool second_round = i >= SIM_MAX_OBJECTS;
            if (atomic_load(&state->objects[place].id) != 0 && !(second_round && atomic_load(&state->objects[place].orphan)))
                continue;
            object = &state->objects[place];
            id = (atomic_fetch_add(&state->object_sequence, 1) + 1) * SIM_MAX_OBJECTS + place;
        }
    }
    if (object != NULL) {
        atomic_store(&object->id, 0);
        atomic_store(&object->taken, 1);
        atomic_store(&object->orphan, 0);
        atomic_store(&object->device, device);
        atomic_store(&object->bytes, bytes);
        atomic_store(&object->st_dev, st_dev);
        atomic_store(&object->st_ino, st_ino);
        for (uint32_t w = 0; w < SIM_MAX_PROCESSES / 64; w++)
            atomic_store(&object->holders[w], 0);
        uint32_t own = sim_own_index();
        atomic_store(&object->holders[own / 64], 1ull << (own % 64));
        charge(own, object);
        atomic_store(&object->id, id);
        if (device != SIM_HOST)
            atomic_fetch_sub(&slot->held[device], bytes);
    }
    sim_manage_unlock(lock);
    return id;
}

bool sim_object_find(dev_t st_dev, ino_t st_ino, struct sim_object *found)
{
    if (sim_state() == NULL)
        return false;
    int lock = sim_manage_lock();
    if (lock < 0)
        return false;
    sim_reap_locked(lock);
    struct sim_object_state *object = find_file(st_dev, st_ino);
    if (object != NULL)
        *found = (struct sim_object){.id = atomic_load(&object->id), .device = atomic_load(&object->device),
            .bytes = atomic_load(&object->bytes), .st_dev = st_dev, .st_ino = st_ino};
    sim_manage_unlock(lock);
    return object != NULL;
}

/* Takes an orphan's memory again, for this process. */
static bool adopt(struct sim_object_state *object)
{
    uint32_t device = atomic_load(&object->device);
    if (device != SIM_HOST
        && !sim_add_within(&sim_state()->devices[device].used, atomic_load(&object->bytes), sim_mem_capacity(device)))
        return false;
    charge(sim_own_index(), object);
    atomic_store(&object->orphan, 0);
    return true;
}

bool sim_object_hold(uint64_t id)
{
    if (sim_own_slot() == NULL)
        return false;
    int lock = sim_manage_lock();
    if (lock < 0)
        return false;
    sim_reap_locked(lock);
    struct sim_object_state *object = find_id(id);
    uint32_t own = sim_own_index();
    bool ok = object != NULL && (atomic_load(&object->orphan) == 0 || adopt(object));
    if (ok)
        atomic_fetch_or(&object->holders[own / 64], 1ull << (own % 64));
    sim_manage_unlock(lock);
    return ok;
}

bool sim_object_release(uint64_t id)
{
    if (sim_own_slot() == NULL)
        return false;
    int lock = sim_manage_lock();
    if (lock < 0)
        return false;
    sim_reap_locked(lock);
    struct sim_object_state *object = find_id(id);
    uint32_t own = sim_own_index();
    bool ok = object != NULL && (atomic_load(&object->holders[own / 64]) >> (own % 64) & 1) != 0;
    if (ok) {
        uint32_t next, device = atomic_load(&object->device);
        atomic_fetch_and(&object->holders[own / 64], ~(1ull << (own % 64)));
        if (!held_by_anyone(object, &next)) {
            uncharge(object);
            if (device != SIM_HOST)
                atomic_fetch_sub(&sim_state()->devices[device].used, atomic_load(&object->bytes));
            abandon(object);
        } else if (atomic_load(&object->charged_slot) == own) {
            uncharge(object);
            charge(next, object);
        }
    }
    sim_manage_unlock(lock);
    return ok;
}

void sim_objects_rebuild(const bool *alive, uint64_t *sums)
{
    struct sim_state *state = sim_state();
    for (uint32_t i = 0; i < SIM_MAX_PROCESSES; i++) {
        for (uint32_t d = 0; d < SIM_MAX_DEVICES; d++)
            atomic_store(&state->slots[i].shared[d], 0);
    }
    for (uint32_t i = 0; i < SIM_MAX_OBJECTS; i++) {
        struct sim_object_state *object = &state->objects[i];
        uint32_t next, device = atomic_load(&object->device);
        if (atomic_load(&object->id) == 0 || atomic_load(&object->orphan) != 0)
            continue;
        for (uint32_t s = 0; s < SIM_MAX_PROCESSES; s++) {
            if (!alive[s])
                atomic_fetch_and(&object->holders[s / 64], ~(1ull << (s % 64)));
        }
        if (!held_by_anyone(object, &next)) {
            abandon(object);
            continue;
        }
        uint32_t charged = atomic_load(&object->charged_slot);
        bool keeps = (atomic_load(&object->holders[charged / 64]) >> (charged % 64) & 1) != 0;
        charge(keeps ? charged : next, object);
        if (device != SIM_HOST)
            sums[device] += atomic_load(&object->bytes);
    }
}
