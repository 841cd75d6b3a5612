/* Accounting of the node over processes that live, are killed at random, fork, or close every descriptor. */
#define _GNU_SOURCE
#include "node.h"
#include "test_support.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define MIB ((uint64_t)1 << 20)
#define WORKERS 24
#define ROUNDS 120

static void memory_is_refused_at_capacity_whoever_holds_it(void)
{
    uint64_t capacity = sim_mem_capacity(0);
    CHECK(sim_node_register_process());
    CHECK(sim_mem_take(0, capacity - MIB));
    CHECK(!sim_mem_take(0, 2 * MIB));
    CHECK(!sim_mem_take(0, UINT64_MAX));
    CHECK_EQUAL(sim_mem_used(0), capacity - MIB);
    pid_t child = fork();
    if (child == 0) {
        CHECK(!sim_process_registered());
        CHECK(!sim_mem_take(0, 1));
        CHECK(sim_node_register_process());
        CHECK(!sim_mem_take(0, 2 * MIB));
        CHECK(sim_mem_take(0, MIB));
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK_EQUAL(sim_mem_used(0), capacity - MIB);
    sim_mem_give(0, capacity - MIB);
    sim_mem_give(0, MIB); /* more than held: never below zero */
    CHECK_EQUAL(sim_mem_used(0), 0);
    CHECK(!sim_mem_take(7, MIB));
}

static void a_killed_process_gives_back_at_the_next_look(void)
{
    int ready[2];
    char byte;
    CHECK(pipe(ready) == 0);
    pid_t child = fork();
    if (child == 0) {
        CHECK(sim_node_register_process() && sim_node_context_add(0) && sim_mem_take(0, 100 * MIB));
        CHECK(write(ready[1], "x", 1) == 1);
        pause();
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    struct sim_process_info info;
    CHECK(sim_process_find(child, &info));
    CHECK_EQUAL(info.contexts[0], 1);
    CHECK_EQUAL(info.bytes[0], 100 * MIB + sim_config()->context_bytes);
    CHECK(kill(child, SIGKILL) == 0);
    for (int i = 0; i < 2000 && sim_mem_used(0) != 0; i++)
        sleep_ms(10); /* not yet waited for: a zombie holds nothing either */
    CHECK_EQUAL(sim_mem_used(0), 0);
    CHECK(!sim_process_find(child, &info));
    CHECK(waitpid(child, NULL, 0) == child);
}

static void closing_every_descriptor_does_not_look_like_death(void)
{
    int go[2], ready[2];
    char byte;
    CHECK(pipe(go) == 0 && pipe(ready) == 0);
    pid_t child = fork();
    if (child == 0) {
        CHECK(sim_node_register_process() && sim_mem_take(0, 64 * MIB));
        for (int fd = 3; fd < 256; fd++) {
            if (fd != ready[1] && fd != go[0])
                close(fd);
        }
        CHECK(write(ready[1], "x", 1) == 1);
        CHECK(read(go[0], &byte, 1) == 1);
        sim_mem_give(0, 32 * MIB);
        CHECK(write(ready[1], "x", 1) == 1);
        pause();
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    CHECK_EQUAL(sim_mem_used(0), 64 * MIB);
    CHECK(write(go[1], "x", 1) == 1);
    CHECK(read(ready[0], &byte, 1) == 1);
    CHECK_EQUAL(sim_mem_used(0), 32 * MIB);
    kill_child(child);
    CHECK_EQUAL(sim_mem_used(0), 0);
}

static void a_forked_child_does_not_keep_its_dead_parent_alive(void)
{
    int ready[2];
    pid_t grandchild;
    CHECK(pipe(ready) == 0);
    pid_t child = fork();
    if (child == 0) {
        CHECK(sim_node_register_process() && sim_mem_take(0, 64 * MIB));
        pid_t inner = fork();
        if (inner == 0) {
            pause();
            _exit(0);
        }
        CHECK(write(ready[1], &inner, sizeof inner) == sizeof inner);
        pause();
    }
    CHECK(read(ready[0], &grandchild, sizeof grandchild) == sizeof grandchild);
    CHECK_EQUAL(sim_mem_used(0), 64 * MIB);
    kill_child(child);
    CHECK_EQUAL(sim_mem_used(0), 0);
    CHECK(kill(grandchild, SIGKILL) == 0);
}

static void *allocate_and_free(void *seed_)
{
    unsigned seed = (unsigned)(uintptr_t)seed_;
    uint64_t mine[16] = {0};
    for (;;) {
        unsigned i = (unsigned)rand_r(&seed) % 16;
        unsigned device = (unsigned)rand_r(&seed) % 2;
        if (mine[i] != 0) {
            sim_mem_give((uint32_t)(mine[i] & 1), mine[i] & ~1ull);
            mine[i] = 0;
        } else {
            uint64_t bytes = ((uint64_t)rand_r(&seed) % 256 + 1) * MIB;
            if (sim_mem_take(device, bytes))
                mine[i] = bytes | device;
        }
    }
    return NULL;
}

/* Also makes, holds and releases objects, so that kills fall into those too. */
static void worker(unsigned seed)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    CHECK(sim_node_register_process());
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, allocate_and_free, (void *)(uintptr_t)seed) == 0);
    for (uint64_t i = 0;; i++) {
        if (sim_mem_take(0, 2 * MIB)) {
            uint64_t id = sim_object_create(0, 2 * MIB, 1, (ino_t)((uint64_t)getpid() << 32 | i));
            if (id == 0)
                sim_mem_give(0, 2 * MIB);
            else if (i % 3 != 0)
                sim_object_release(id);
        }
        struct sim_object object;
        if (sim_object_find(1, (ino_t)((uint64_t)(getpid() - 1) << 32 | i), &object))
            sim_object_hold(object.id);
    }
}

static void processes_killed_at_random_leave_nothing_and_never_pass_capacity(void)
{
    pid_t children[WORKERS] = {0};
    unsigned seed = (unsigned)getpid();
    for (int round = 0; round < ROUNDS; round++) {
        int i = (int)((unsigned)rand_r(&seed) % WORKERS);
        if (children[i] != 0) {
            kill_child(children[i]);
            children[i] = 0;
        } else {
            children[i] = fork();
            if (children[i] == 0)
                worker((unsigned)rand_r(&seed) + (unsigned)round);
        }
        sleep_ms((unsigned)rand_r(&seed) % 40);
        for (uint32_t d = 0; d < 2; d++)
            CHECK(sim_mem_used(d) <= sim_mem_capacity(d));
    }
    for (int i = 0; i < WORKERS; i++) {
        if (children[i] != 0)
            kill_child(children[i]);
    }
    CHECK_EQUAL(sim_mem_used(0), 0);
    CHECK_EQUAL(sim_mem_used(1), 0);
    struct sim_process_info info[4];
    CHECK_EQUAL(sim_process_list(info, 4), 1); /* this process */
    CHECK(sim_mem_take(0, sim_mem_capacity(0)));
    sim_mem_give(0, sim_mem_capacity(0));
}

static void used_is_what_the_living_hold_while_others_die(void)
{
    int ready[2];
    char byte;
    CHECK(pipe(ready) == 0);
    pid_t steady = fork();
    if (steady == 0) {
        CHECK(sim_node_register_process() && sim_mem_take(1, 77 * MIB));
        CHECK(write(ready[1], "x", 1) == 1);
        pause();
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    for (int round = 0; round < 10; round++) {
        pid_t child = fork();
        if (child == 0)
            worker((unsigned)round);
        sleep_ms(5);
        kill_child(child);
        CHECK_EQUAL(sim_mem_used(1), 77 * MIB);
    }
    kill_child(steady);
    CHECK_EQUAL(sim_mem_used(1), 0);
}

static void a_stopped_process_does_not_stop_the_others(void)
{
    pid_t stopped = fork();
    if (stopped == 0)
        worker(1);
    sleep_ms(20);
    CHECK(kill(stopped, SIGSTOP) == 0);
    pid_t killed = fork();
    if (killed == 0) {
        CHECK(sim_node_register_process());
        sim_mem_take(1, MIB);
        pause();
    }
    sleep_ms(20);
    kill_child(killed);
    uint64_t start = sim_now_ns();
    sim_mem_used(1);
    CHECK(sim_now_ns() - start < 20000000000ull);
    CHECK(kill(stopped, SIGCONT) == 0);
    sleep_ms(20);
    kill_child(stopped);
    CHECK_EQUAL(sim_mem_used(0), 0);
    CHECK_EQUAL(sim_mem_used(1), 0);
}

static void an_object_lives_until_its_last_holder_is_gone(void)
{
    int ready[2], go[2];
    char byte;
    uint64_t id = 0;
    CHECK(pipe(ready) == 0 && pipe(go) == 0);
    pid_t maker = fork();
    if (maker == 0) {
        CHECK(sim_node_register_process() && sim_mem_take(0, 10 * MIB));
        id = sim_object_create(0, 10 * MIB, 5, 6);
        CHECK(id != 0);
        CHECK_EQUAL(sim_object_create(0, 10 * MIB, 5, 6), 0);
        CHECK(write(ready[1], &id, sizeof id) == sizeof id);
        CHECK(read(go[0], &byte, 1) == 1);
        CHECK(sim_mem_take(1, MIB));
        _exit(0);
    }
    CHECK(read(ready[0], &id, sizeof id) == sizeof id);
    struct sim_object object;
    CHECK(sim_object_find(5, 6, &object));
    CHECK_EQUAL(object.bytes, 10 * MIB);
    CHECK(sim_object_hold(id));
    CHECK_EQUAL(sim_mem_own(0), 0); /* charged to its maker */
    CHECK_EQUAL(sim_mem_used(0), 10 * MIB);
    CHECK(write(go[1], "x", 1) == 1);
    CHECK(waitpid(maker, NULL, 0) == maker);
    CHECK_EQUAL(sim_mem_used(0), 10 * MIB);
    CHECK_EQUAL(sim_mem_used(1), 0);
    CHECK_EQUAL(sim_mem_own(0), 10 * MIB); /* now to its holder */
    CHECK(sim_object_release(id));
    CHECK(!sim_object_release(id));
    CHECK_EQUAL(sim_mem_used(0), 0);

    /* Somebody still has the descriptor: it can be held again, if there is room. */
    CHECK(sim_object_find(5, 6, &object));
    CHECK_EQUAL(object.id, id);
    CHECK(sim_mem_take(0, sim_mem_capacity(0) - MIB));
    CHECK(!sim_object_hold(id));
    sim_mem_give(0, sim_mem_capacity(0) - MIB);
    CHECK(sim_object_hold(id));
    CHECK_EQUAL(sim_mem_own(0), 10 * MIB);
    CHECK(sim_object_release(id));
    CHECK(!sim_object_find(5, 7, &object));
    CHECK_EQUAL(sim_mem_used(0), 0);
}

int main(void)
{
    char error[SIM_ERROR_BYTES];
    if (!sim_node_open_at(getenv(SIM_DIR_ENV), error)) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    memory_is_refused_at_capacity_whoever_holds_it();
    a_killed_process_gives_back_at_the_next_look();
    closing_every_descriptor_does_not_look_like_death();
    a_forked_child_does_not_keep_its_dead_parent_alive();
    an_object_lives_until_its_last_holder_is_gone();
    used_is_what_the_living_hold_while_others_die();
    processes_killed_at_random_leave_nothing_and_never_pass_capacity();
    a_stopped_process_does_not_stop_the_others();
    return 0;
}
