/* See support_rows.h. */
#include "support_rows.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct row rows[] = {
#define PASS(name) {#name, NULL},
#define GATE(name) {#name, NULL},
#define HOOK(name, family, class) {#name, #class},
#define GATED(name, family, class) {#name, #class},
#define DATA(name)
#include "functions.def"
#undef PASS
#undef GATE
#undef HOOK
#undef GATED
#undef DATA
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

size_t row_count(void)
{
    return ROW_COUNT;
}

const struct row *row_at(size_t at)
{
    return &rows[at];
}

const struct row *row_of(const char *name)
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

bool counts(const struct row *row)
{
    return row->class != NULL && strcmp(row->class, "released") != 0 && strcmp(row->class, "queried") != 0 &&
        strcmp(row->class, "routed") != 0;
}

static void run_route(struct world *world, const struct route *route, case_body *body, const char *how)
{
    char name[192];
    snprintf(name, sizeof name, "%s_%s", route->subject->name, how);
    run_case(name, body, world, route);
}

void run_subject(struct world *world, const struct subject *subject, case_body *body, const char *what)
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
