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

int main(void)
{
    struct world *world = world_open((struct world_config){.limit_bytes = LIMIT_BYTES});
    RUN(every_row_of_the_survey_is_covered, world);
    for (size_t i = 0; i < row_count(); i++) {
        const struct subject *subject = subject_of(row_at(i)->name);
        if (!counts(row_at(i))) {
            continue;
        }
        if (subject == NULL) {
            count_failure(row_at(i)->name, "this row of functions.def has no case here");
        } else if (takes_alone(subject) && !bare_takes(world, subject)) {
            fprintf(stderr, "%s: not a function of this driver\n", subject->name);
            run_subject(world, subject, zeros_answer_as_without_us, "unsupported");
        } else {
            run_subject(world, subject, body_of(subject), "limit");
        }
    }
    world_close(world);
    world = world_open((struct world_config){.memory_bytes = 512 * MIB, .limit_bytes = 4096 * MIB});
    for (size_t i = 0; i < row_count(); i++) {
        const struct subject *subject = counts(row_at(i)) ? subject_of(row_at(i)->name) : NULL;
        if (subject != NULL && (subject->kind == SUBJECT_EXACT || subject->kind == SUBJECT_POOL) &&
            bare_takes(world, subject)) {
            run_subject(world, subject, withdrawn_when_the_driver_fails, "device_full");
        }
    }
    world_close(world);
    return finish_cases();
}
