/*
 * Every row of the table that takes device memory, called directly and through cuGetProcAddress: charged to the byte, refused with
 * exactly CUDA_ERROR_OUT_OF_MEMORY at the limit, withdrawn when the driver fails, back to exactly 0 when given back. The rows come from
 * functions.def itself: a row without a case fails here.
 */
#include "support_charging.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct row {
    const char *name, *class;
};

static const struct row rows[] = {
#define PASS(name) {#name, NULL},
#define HOOK(name, family, class) {#name, #class},
#define DATA(name)
#include "functions.def"
#undef PASS
#undef HOOK
#undef DATA
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

static const struct row *row_of(const char *name)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static bool is_hooked(const char *name)
{
    const struct row *row = row_of(name);
    return row != NULL && row->class != NULL && strcmp(row->class, "free") != 0;
}

static bool counts(const struct row *row)
{
    return row->class != NULL && strcmp(row->class, "released") != 0 && strcmp(row->class, "queried") != 0 &&
        strcmp(row->class, "routed") != 0;
}

static case_body *body_of(const struct subject *subject)
{
    static case_body *const bodies[] = {[SUBJECT_EXACT] = exact_within_and_beyond_the_limit,
        [SUBJECT_POOL] = exact_within_and_beyond_the_limit,
        [SUBJECT_CONTEXT] = context_is_overhead, [SUBJECT_MODULE] = code_is_overhead,
        [SUBJECT_HOST] = host_memory_is_free, [SUBJECT_PLAIN] = zeros_answer_as_without_us};
    return bodies[subject->kind];
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

static void run_route(struct world *world, const struct route *route, case_body *body, const char *how)
{
    char name[192];
    snprintf(name, sizeof name, "%s_%s", route->subject->name, how);
    run_case(name, body, world, route);
}

static void run_subject(struct world *world, const struct subject *subject, case_body *body, const char *what)
{
    char how[96];
    struct route route = {.subject = subject, .direct = 1, .hooked = is_hooked(subject->name)};
    snprintf(how, sizeof how, "%s_by_symbol", what);
    run_route(world, &route, body, how);
    int ends[2];
    if (pipe(ends) != 0) {
        exit(1);
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        routes_by_look_up(ends[1], subject);
        _exit(0);
    }
    close(ends[1]);
    while (read(ends[0], &route, sizeof route) == (ssize_t)sizeof route) {
        route.hooked = is_hooked(subject->name);
        snprintf(how, sizeof how, "%s_by_cuGetProcAddress_flags_%llu", what, (unsigned long long)route.flags);
        run_route(world, &route, body, how);
    }
    close(ends[0]);
    waitpid(child, NULL, 0);
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
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct subject *subject = subject_of(rows[i].name);
        if (!counts(&rows[i])) {
            continue;
        }
        if (subject == NULL) {
            count_failure(rows[i].name, "this row of functions.def has no case here");
        } else if (subject->kind != SUBJECT_PLAIN && !bare_takes(world, subject)) {
            fprintf(stderr, "%s: not a function of this driver\n", subject->name);
            run_subject(world, subject, zeros_answer_as_without_us, "unsupported");
        } else {
            run_subject(world, subject, body_of(subject), "limit");
        }
    }
    world_close(world);
    world = world_open((struct world_config){.memory_bytes = 512 * MIB, .limit_bytes = 4096 * MIB});
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct subject *subject = counts(&rows[i]) ? subject_of(rows[i].name) : NULL;
        if (subject != NULL && (subject->kind == SUBJECT_EXACT || subject->kind == SUBJECT_POOL) &&
            bare_takes(world, subject)) {
            run_subject(world, subject, withdrawn_when_the_driver_fails, "device_full");
        }
    }
    world_close(world);
    return finish_cases();
}
