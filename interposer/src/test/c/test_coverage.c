/*
 * Every row of the table that takes device memory, called directly and through cuGetProcAddress: charged to the byte, refused with
 * exactly CUDA_ERROR_OUT_OF_MEMORY at the limit, withdrawn when the driver fails, back to exactly 0 when given back. The rows come from
 * functions.def itself: a row without a case fails here. Rows that bring in another process's memory have their cases in test_imports.c.
 */
#include "support_charging.h"
#include "support_rows.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static case_body *body_of(const struct subject *subject)
{
    static case_body *const bodies[] = {[SUBJECT_EXACT] = exact_within_and_beyond_the_limit,
        [SUBJECT_POOL] = exact_within_and_beyond_the_limit,
        [SUBJECT_CONTEXT] = context_is_overhead, [SUBJECT_MODULE] = code_is_overhead,
        [SUBJECT_HOST] = host_memory_is_free, [SUBJECT_IMPORT] = zeros_answer_as_without_us,
        [SUBJECT_EXPORT] = zeros_answer_as_without_us,
        [SUBJECT_PLAIN] = zeros_answer_as_without_us};
    return bodies[subject->kind];
}

static bool takes_alone(const struct subject *subject)
{
    return subject->kind != SUBJECT_PLAIN && subject->kind != SUBJECT_IMPORT && subject->kind != SUBJECT_EXPORT;
}

/* Whether the bare driver can do at all what the case asks: a symbol with 32-bit addresses may have no memory that low. */
static void bare_driver_can(struct world *world, const void *argument)
{
    const struct route *route = argument;
    CUcontext context;
    int count = 0;
    (void)world;
    void *function = dlsym(bare(), route->subject->name);
    BARE(cuInit)(0);
    BARE(cuDeviceGetCount)(&count);
    BARE(cuDevicePrimaryCtxRetain)(&context, count - 1);
    BARE(cuCtxSetCurrent)(context);
    struct scratch held = {.device = count - 1};
    _exit(function != NULL && route->subject->take(function, &held, SOME_BYTES) == CUDA_SUCCESS ? 0 : 1);
}

/* A row's own fork, outside of the count of cases. */
static bool bare_takes(struct world *world, const struct subject *subject)
{
    struct route route = {.subject = subject, .direct = 1};
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        bare_driver_can(world, &route);
    }
    int status = 1;
    waitpid(child, &status, 0);
    return status == 0;
}

static void every_row_of_the_survey_is_covered(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
#define ROW(what, function) \
    CHECK(row_of(#function) != NULL && row_of(#function)->class != NULL); \
    if (subject_of(#function) == NULL) { \
        fprintf(stderr, "  no case for %s (%s)\n", #function, what); \
        check_failures++; \
    }
#define SEEN(what, function) CHECK(row_of(#function) != NULL);
#include "allocation_rows.def"
}

static void run_row(struct world *world, const struct row *row)
{
    const struct subject *subject = subject_of(row->name);
    if (subject == NULL) {
        count_failure(row->name, "this row of functions.def has no case here");
    } else if (takes_alone(subject) && !bare_takes(world, subject)) {
        fprintf(stderr, "%s: not a function of this driver\n", subject->name);
        run_subject(world, subject, zeros_answer_as_without_us, "unsupported");
    } else {
        run_subject(world, subject, body_of(subject), "limit");
    }
}

static void run_row_on_a_full_device(struct world *world, const struct row *row)
{
    const struct subject *subject = subject_of(row->name);
    if (subject != NULL && (subject->kind == SUBJECT_EXACT || subject->kind == SUBJECT_POOL) && bare_takes(world, subject)) {
        run_subject(world, subject, withdrawn_when_the_driver_fails, "device_full");
    }
}

/* The rows that count, every so-manieth of them. */
static void run_part(unsigned int part, unsigned int parts)
{
    struct world *world = world_open((struct world_config){.limit_bytes = LIMIT_BYTES});
    struct world_config small = {.memory_bytes = 512 * MIB, .limit_bytes = 4096 * MIB};
    if (part == 0) {
        RUN(every_row_of_the_survey_is_covered, world);
    }
    for (unsigned int i = 0, at = 0; i < row_count(); i++) {
        if (counts(row_at(i)) && at++ % parts == part) {
            run_row(world, row_at(i));
        }
    }
    world_close(world);
    world = world_open(small);
    for (unsigned int i = 0, at = 0; i < row_count(); i++) {
        if (counts(row_at(i)) && at++ % parts == part) {
            run_row_on_a_full_device(world, row_at(i));
        }
    }
    world_close(world);
}

/* The cases wait for the agent's ticks most of the time. */
int main(void)
{
    run_in_parts(4, run_part);
    return finish_cases();
}
