/* The gate by itself: who waits, who does not, who may break it, and what a thread leaves behind that ends in it. */
#include "support_gate.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "fork.h"
#include "hooks.h"
#include "marks.h"

/* A thread at the gate. */
struct visitor {
    uint32_t tid, inside, leave, done;
    int error;
    bool seen; /* it must not be missed */
};

static void *visit(void *argument)
{
    struct visitor *self = argument;
    say(&self->tid, (uint32_t)syscall(SYS_gettid));
    errno = 77;
    bool entered = self->seen ? alq_gate_enter_seen() : alq_gate_enter();
    self->error = errno;
    say(&self->inside, 1);
    await(&self->leave, 1);
    alq_gate_leave(entered);
    say(&self->done, 1);
    return NULL;
}

static pthread_t start_inside(struct visitor *visitor)
{
    pthread_t thread = start(visit, visitor);
    await(&visitor->inside, 1);
    return thread;
}

static void let_go(struct visitor *visitor, pthread_t thread)
{
    say(&visitor->leave, 1);
    pthread_join(thread, NULL);
}

static void unarmed_nothing_waits_and_nothing_closes(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    CHECK(!alq_gate_enter());
    CHECK(!alq_gate_close(time_ns() + SECOND, NEVER));
    CHECK(!alq_gate_commit());
    alq_gate_open();
    CHECK(alq_gate_arm());
    CHECK(alq_gate_arm());
    bool entered = alq_gate_enter();
    CHECK(entered);
    alq_gate_leave(entered);
}

static void of_who_came_before_it_was_armed_only_those_that_are_seen_are_waited_for(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    struct visitor unseen = {0}, seen = {.seen = true};
    pthread_t unseen_thread = start_inside(&unseen), seen_thread = start_inside(&seen);
    CHECK(alq_gate_arm());
    CHECK(!alq_gate_close(time_ns() + 50 * MS, NEVER));
    let_go(&seen, seen_thread);
    close_for_moving();
    let_go(&unseen, unseen_thread);
    CHECK_EQ(seen.error, 77);
    alq_gate_open();
}

static void a_closed_gate_holds_every_thread_until_it_opens(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    struct visitor visitors[8] = {0};
    pthread_t threads[8];
    close_for_moving();
    for (int i = 0; i < 8; i++) {
        visitors[i].leave = 1;
        threads[i] = start(visit, &visitors[i]);
    }
    for (int i = 0; i < 8; i++) {
        CHECK(falls_asleep(&visitors[i].tid, &visitors[i].inside));
    }
    bool entered = alq_gate_enter(); /* the mover's own calls */
    alq_gate_leave(entered);
    for (int i = 0; i < 8; i++) {
        CHECK_EQ(visitors[i].inside, 0);
    }
    alq_gate_open();
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(visitors[i].done, 1);
        CHECK_EQ(visitors[i].error, 77);
    }
    close_for_moving();
    alq_gate_open();
}

static uint32_t wanted_calls;

static void count_call(void)
{
    __atomic_add_fetch(&wanted_calls, 1, __ATOMIC_SEQ_CST);
}

static void a_parked_gate_says_once_that_somebody_waits(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    alq_gate_when_wanted(count_call);
    alq_gate_park(); /* nothing: it is not closed */
    CHECK(!alq_gate_held());
    for (uint32_t round = 1; round <= 3; round++) {
        struct visitor visitors[8] = {0};
        pthread_t threads[8];
        close_for_moving();
        CHECK(alq_gate_held());
        for (int i = 0; i < 8; i++) {
            visitors[i].leave = 1;
        }
        for (int i = 0; i < 4; i++) { /* before it is parked */
            threads[i] = start(visit, &visitors[i]);
            CHECK(falls_asleep(&visitors[i].tid, &visitors[i].inside));
        }
        CHECK(!alq_gate_wanted());
        CHECK_EQ(alq_gate_waited_ns(), 0);
        alq_gate_park();
        await(&wanted_calls, round); /* by who waits already */
        for (int i = 4; i < 8; i++) {
            threads[i] = start(visit, &visitors[i]);
            CHECK(falls_asleep(&visitors[i].tid, &visitors[i].inside));
        }
        CHECK(alq_gate_wanted());
        CHECK(alq_gate_held());
        CHECK(alq_gate_waited_ns() > 0);
        alq_gate_leave(alq_gate_enter()); /* the mover's own calls */
        CHECK(!alq_gate_close(time_ns() + SECOND, NEVER));
        alq_gate_open();
        for (int i = 0; i < 8; i++) {
            pthread_join(threads[i], NULL);
            CHECK_EQ(visitors[i].error, 77);
        }
        CHECK(!alq_gate_wanted());
        CHECK(!alq_gate_held());
        CHECK_EQ(wanted_calls, round);
    }
}

static void *enter_as_the_driver(void *done)
{
    alq_depth = 1;
    bool entered = alq_gate_enter();
    alq_gate_leave(entered);
    say(done, 1);
    return NULL;
}

static void a_call_of_the_driver_itself_does_not_wait(struct world *world, const void *argument)
{
    (void)argument;
    (void)world;
    uint32_t done = 0;
    close_for_moving();
    pthread_join(start(enter_as_the_driver, &done), NULL);
    CHECK_EQ(done, 1);
    done = 0;
    alq_gate_park();
    pthread_join(start(enter_as_the_driver, &done), NULL);
    CHECK_EQ(done, 1);
    CHECK(!alq_gate_wanted());
    alq_gate_open();
}

static void closing_waits_for_who_is_inside_and_gives_up_in_time(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    struct visitor visitor = {0}, next = {.leave = 1};
    pthread_t inside = start_inside(&visitor);
    CHECK(!alq_gate_close(time_ns() + 50 * MS, NEVER));
    pthread_join(start(visit, &next), NULL); /* it is open again */
    CHECK(!alq_gate_commit());
    let_go(&visitor, inside);
    close_for_moving();
    alq_gate_open();
}

/* Inside twice; says so, waits for the closing to begin, enters once more, and leaves. */
static void *nest(void *argument)
{
    struct visitor *self = argument;
    bool outer = alq_gate_enter(), inner = alq_gate_enter();
    alq_gate_leave(inner);
    say(&self->inside, 1);
    await(&self->leave, 1);
    usleep(50000);
    inner = alq_gate_enter();
    say(&self->done, 1);
    alq_gate_leave(inner);
    alq_gate_leave(outer);
    return NULL;
}

static void only_the_outermost_call_counts(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    struct visitor visitor = {0};
    pthread_t inside = start(nest, &visitor);
    await(&visitor.inside, 1);
    CHECK(!alq_gate_close(time_ns() + 20 * MS, NEVER));
    say(&visitor.leave, 1);
    close_for_moving(); /* would not come back if the inner call waited */
    CHECK_EQ(visitor.done, 1);
    pthread_join(inside, NULL);
    alq_gate_open();
}

enum ending { EXITS, CANCELLED, GONE, BY_SYSTEM_CALL };

static void *end_inside(void *argument)
{
    struct visitor *self = argument;
    alq_gate_enter();
    say(&self->inside, 1);
    if (self->error == CANCELLED) {
        pause();
    }
    if (self->error == BY_SYSTEM_CALL) {
        syscall(SYS_exit, 0);
    }
    pthread_exit(NULL);
}

static void a_thread_that_ends_inside_holds_nobody_up(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    for (int i = EXITS; i <= BY_SYSTEM_CALL; i++) {
        struct visitor visitor = {.error = i};
        pthread_t thread = start(end_inside, &visitor);
        await(&visitor.inside, 1);
        if (i == CANCELLED) {
            pthread_cancel(thread);
        }
        if (i != GONE) {
            pthread_join(thread, NULL);
        }
        close_for_moving();
        alq_gate_open();
        if (i == GONE) {
            pthread_join(thread, NULL);
        }
    }
}

static void a_thread_s_number_is_not_the_thread(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    struct alq_thread self = alq_thread_self(), earlier = self, never = {.tid = 0x7ffffff0};
    earlier.since_ns -= earlier.since_ns < 3600 * SECOND ? earlier.since_ns : 3600 * SECOND;
    CHECK(!alq_thread_gone(&self));
    CHECK(!alq_thread_absent(&earlier));
    CHECK(alq_thread_gone(&earlier));
    CHECK(alq_thread_gone(&never));
}

static void *look_for_the_first(void *argument)
{
    for (int i = 0; i < 1000 && !alq_thread_gone(argument); i++) {
        usleep(5000);
    }
    _exit(alq_thread_gone(argument) ? 0 : 1);
}

static void a_first_thread_that_has_ended_is_gone(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    static struct alq_thread self;
    self = alq_thread_self();
    start(look_for_the_first, &self);
    pthread_exit(NULL);
}

static void *pass_once(void *argument)
{
    (void)argument;
    bool entered = alq_gate_enter();
    alq_gate_leave(entered);
    return NULL;
}

static void marks_are_used_again(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    for (int i = 0; i < 1000; i++) {
        pthread_join(start(pass_once, NULL), NULL);
    }
    CHECK(alq_marks_count() <= 64);
    close_for_moving();
    alq_gate_open();
}

static void outermost_calls_are_counted_whoever_made_them(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    uint64_t before = alq_marks_submissions();
    for (int i = 0; i < 500; i++) { /* more threads than marks */
        pthread_join(start(pass_once, NULL), NULL);
    }
    bool outer = alq_gate_enter(), inner = alq_gate_enter();
    alq_gate_leave(inner);
    CHECK_EQ(alq_marks_submissions(), before + 500);
    alq_gate_leave(outer);
    CHECK_EQ(alq_marks_submissions(), before + 501);
    struct visitor visitor = {.error = EXITS};
    pthread_join(start(end_inside, &visitor), NULL);
    close_for_moving(); /* buries it */
    CHECK_EQ(alq_marks_submissions(), before + 501);
    struct visitor waiting = {.leave = 1};
    pthread_t thread = start(visit, &waiting);
    CHECK(falls_asleep(&waiting.tid, &waiting.inside));
    CHECK_EQ(alq_marks_submissions(), before + 501);
    alq_gate_open();
    pthread_join(thread, NULL);
    CHECK_EQ(alq_marks_submissions(), before + 502);
}

static void in_a_child_of_fork_the_gate_is_open(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    alq_fork_watch();
    struct visitor visitor = {0};
    bool entered = alq_gate_enter();
    pid_t child = fork();
    if (child == 0) {
        alarm(30);
        alq_gate_leave(entered);
        alq_gate_leave(alq_gate_enter());
        CHECK_EQ(alq_marks_submissions(), 0);
        CHECK(alq_gate_arm());
        close_for_moving();
        alq_gate_open();
        end_case();
    }
    int status = 1;
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
    alq_gate_leave(entered);
    pthread_t inside = start_inside(&visitor);
    let_go(&visitor, inside);
    close_for_moving();
    alq_gate_park();
    child = fork();
    if (child == 0) {
        alarm(30);
        alq_gate_leave(alq_gate_enter());
        CHECK(alq_gate_arm());
        pthread_join(start(pass_once, NULL), NULL);
        end_case();
    }
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
    alq_gate_open();
}

static void armed(const char *name, case_body *body)
{
    static struct world none;
    alq_gate_arm();
    run_case(name, body, &none, NULL);
}

#define ARMED(name) armed(#name, name)

int main(void)
{
    static struct world none;
    RUN(unarmed_nothing_waits_and_nothing_closes, &none);
    RUN(of_who_came_before_it_was_armed_only_those_that_are_seen_are_waited_for, &none);
    ARMED(a_closed_gate_holds_every_thread_until_it_opens);
    ARMED(a_parked_gate_says_once_that_somebody_waits);
    ARMED(a_call_of_the_driver_itself_does_not_wait);
    ARMED(closing_waits_for_who_is_inside_and_gives_up_in_time);
    ARMED(only_the_outermost_call_counts);
    ARMED(a_thread_that_ends_inside_holds_nobody_up);
    ARMED(a_thread_s_number_is_not_the_thread);
    ARMED(a_first_thread_that_has_ended_is_gone);
    ARMED(marks_are_used_again);
    ARMED(outermost_calls_are_counted_whoever_made_them);
    ARMED(in_a_child_of_fork_the_gate_is_open);
    return finish_cases();
}
