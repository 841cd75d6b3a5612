/*
 * The gate that does not close, is broken, or is under load: nobody waits for ever, nobody is inside while memory moves, no wake-up is
 * lost.
 */
#include "support_gate.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "marks.h"

#define THREADS 8
#define ROUNDS 10000
#define BURST 50
#define LOOKS 500
#define MOST_NS (15 * SECOND)

struct visitor {
    uint32_t tid, inside, leave;
};

static void *visit(void *argument)
{
    struct visitor *self = argument;
    say(&self->tid, (uint32_t)syscall(SYS_gettid));
    bool entered = alq_gate_enter();
    say(&self->inside, 1);
    await(&self->leave, 1);
    alq_gate_leave(entered);
    return NULL;
}

/* Comes to the gate once the mover is waiting for the one inside. */
static void *visit_later(void *argument)
{
    usleep(20000);
    return visit(argument);
}

static void who_waits_too_long_for_a_thread_inside_opens_the_gate(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    struct visitor stuck = {0};
    pthread_t inside = start(visit, &stuck);
    await(&stuck.inside, 1);
    for (bool met = false; !met;) {
        struct visitor waiting = {.leave = 1};
        pthread_t outside = start(visit_later, &waiting);
        CHECK(!alq_gate_close(time_ns() + 3 * SECOND, 10 * MS));
        met = __atomic_load_n(&waiting.tid, __ATOMIC_ACQUIRE) != 0; /* else the time was up first */
        CHECK(!alq_gate_commit());
        pthread_join(outside, NULL); /* though the other is still inside */
        CHECK_EQ(waiting.inside, 1);
    }
    say(&stuck.leave, 1);
    pthread_join(inside, NULL);
}

static void a_broken_gate_cannot_be_committed(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    struct visitor waiting = {.leave = 1};
    CHECK(alq_gate_close(time_ns() + 30 * SECOND, 30 * MS));
    pthread_join(start(visit, &waiting), NULL); /* breaks it */
    CHECK(!alq_gate_commit());
    CHECK(!alq_gate_commit());
    alq_gate_open();
    close_for_moving(); /* the next closing is whole */
    alq_gate_open();
}

static void a_committed_gate_is_not_broken(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    struct visitor before = {.leave = 1}, after = {.leave = 1};
    CHECK(alq_gate_close(time_ns() + 30 * SECOND, 2 * SECOND));
    pthread_t first = start(visit, &before);
    CHECK(falls_asleep(&before.tid, &before.inside));
    bool committed = alq_gate_commit();
    if (!committed) { /* this machine stood still for two seconds: no statement */
        pthread_join(first, NULL);
        return;
    }
    pthread_t second = start(visit, &after);
    CHECK(falls_asleep(&after.tid, &after.inside));
    usleep(2500000);
    CHECK_EQ(before.inside, 0);
    CHECK_EQ(after.inside, 0);
    alq_gate_open();
    pthread_join(first, NULL);
    pthread_join(second, NULL);
}

/* From here on this process's kernel has no membarrier. */
static void lose_membarrier(void)
{
    struct sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static void without_membarrier_the_gate_is_not_armed(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    lose_membarrier();
    errno = 77;
    CHECK(!alq_gate_arm());
    CHECK_EQ(errno, 77);
    CHECK(!alq_gate_enter());
    CHECK(!alq_gate_close(time_ns() + SECOND, NEVER));
}

static void without_membarrier_an_armed_gate_does_not_close(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    struct visitor visitor = {.leave = 1};
    lose_membarrier();
    CHECK(!alq_gate_close(time_ns() + SECOND, NEVER));
    CHECK(!alq_gate_commit());
    pthread_join(start(visit, &visitor), NULL);
    CHECK_EQ(visitor.inside, 1);
}

/* ---- load ------------------------------------------------------------------------------------------------------------- */

static uint32_t moving, stop, caught;

struct submitter {
    uint64_t calls;
} __attribute__((aligned(128)));

static void *submit(void *argument)
{
    struct submitter *self = argument;
    while (__atomic_load_n(&stop, __ATOMIC_RELAXED) == 0) {
        /* no system call between calls: nothing but membarrier makes the marks visible */
        for (int i = 0; i < BURST; i++) {
            bool entered = alq_gate_enter();
            for (int look = 0; look < LOOKS; look++) {
                if (__atomic_load_n(&moving, __ATOMIC_RELAXED) != 0) {
                    say(&caught, 1);
                }
            }
            alq_gate_leave(entered);
        }
        __atomic_store_n(&self->calls, self->calls + 1, __ATOMIC_RELAXED);
        sched_yield(); /* mostly off the processor when outside */
    }
    return NULL;
}

/* Some thread has gone on: one that runs on another processor is in the midst of its calls when the gate closes, anywhere in them. */
static void some_go_on(const struct submitter *submitters)
{
    uint64_t before = 0;
    for (uint32_t looks = 1;; looks++) {
        uint64_t calls = 0;
        for (int i = 0; i < THREADS; i++) {
            calls += __atomic_load_n(&submitters[i].calls, __ATOMIC_RELAXED);
        }
        before = looks == 1 ? calls : before;
        if (calls != before && looks % 7 == 0) {
            return;
        }
        (void)alq_marks_clear(); /* takes the marks' cache lines away, so that a mark that is written is late to be seen */
        if (looks % 1024 == 0) {
            sched_yield();
        }
    }
}

/* Every thread gets past the gate again after it has opened: one whose wake-up is lost never does. */
static void all_go_on(const struct submitter *submitters)
{
    for (int i = 0; i < THREADS; i++) {
        uint64_t before = __atomic_load_n(&submitters[i].calls, __ATOMIC_RELAXED);
        while (__atomic_load_n(&submitters[i].calls, __ATOMIC_RELAXED) == before) {
            sched_yield();
        }
    }
}

static void under_load(uint64_t break_ns, uint64_t *moves, uint64_t *broken)
{
    static struct submitter submitters[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        threads[i] = start(submit, &submitters[i]);
    }
    uint64_t end_ns = time_ns() + MOST_NS;
    for (int round = 0; round < ROUNDS && time_ns() < end_ns; round++) {
        if (!alq_gate_close(time_ns() + 30 * SECOND, break_ns) || !alq_gate_commit()) {
            (*broken)++;
            continue;
        }
        __atomic_store_n(&moving, 1, __ATOMIC_RELAXED);
        for (int look = 0; look < 4 * LOOKS; look++) { /* a while, in which one who is inside would look */
            (void)__atomic_load_n(&stop, __ATOMIC_ACQUIRE);
        }
        __atomic_store_n(&moving, 0, __ATOMIC_RELAXED);
        alq_gate_open();
        (*moves)++;
        if (round % 64 == 0) {
            all_go_on(submitters);
        } else {
            some_go_on(submitters);
        }
    }
    all_go_on(submitters);
    say(&stop, 1);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK_EQ(caught, 0);
}

static void nobody_is_inside_while_memory_moves(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    uint64_t moves = 0, broken = 0;
    under_load(NEVER, &moves, &broken);
    CHECK_EQ(broken, 0);
    CHECK(moves > 0);
    if (getenv("GATE_FIGURES") != NULL) {
        fprintf(stderr, "%llu moves\n", (unsigned long long)moves);
    }
}

static void nobody_is_inside_though_the_gate_is_broken_all_the_time(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    uint64_t moves = 0, broken = 0;
    under_load(MS / 20, &moves, &broken);
    if (getenv("GATE_FIGURES") != NULL) {
        fprintf(stderr, "%llu moves, %llu broken\n", (unsigned long long)moves, (unsigned long long)broken);
    }
}

int main(void)
{
    static struct world none;
    RUN(without_membarrier_the_gate_is_not_armed, &none);
    alq_gate_arm();
    RUN(without_membarrier_an_armed_gate_does_not_close, &none);
    RUN(who_waits_too_long_for_a_thread_inside_opens_the_gate, &none);
    RUN(a_broken_gate_cannot_be_committed, &none);
    RUN(a_committed_gate_is_not_broken, &none);
    RUN(nobody_is_inside_while_memory_moves, &none);
    RUN(nobody_is_inside_though_the_gate_is_broken_all_the_time, &none);
    return finish_cases();
}
